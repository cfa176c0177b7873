import type { Device, MetricName, Parameter, Prescription, PrescriptionBody } from '@/api/types'
import { fromInput, toInput } from './dateInput'
import { METRICS } from './metrics'

export interface ParameterDraft {
  name: MetricName
  type: Parameter['parameterType']
  /** Text, as typed; an input of type number gives '' for what it cannot read. */
  value: string | number
  tolerance: string | number
}

export interface Draft {
  patientId: string
  deviceId: string
  therapy: string
  start: string
  end: string
  parameters: ParameterDraft[]
}

/** Errors by JSON pointer into the request, the same that the service uses. */
export type FieldErrors = Record<string, string>

export const DEFAULT_THERAPY = 'CPAP Oxygen Flow'

export function draftOf(rx: Prescription): Draft {
  return {
    patientId: rx.patientId,
    deviceId: rx.deviceId,
    therapy: rx.medicationOrTherapy,
    start: toInput(rx.startDate),
    end: toInput(rx.endDate),
    parameters: rx.parameters.map((p) => ({
      name: p.parameterName,
      type: p.parameterType,
      value: p.parameterValue,
      tolerance: p.parameterTolerance,
    })),
  }
}

export function emptyDraft(storyTime: number): Draft {
  return {
    patientId: '',
    deviceId: '',
    therapy: DEFAULT_THERAPY,
    start: toInput(storyTime),
    end: '',
    parameters: METRICS.map((m) => ({ name: m.name, type: 'float', value: '', tolerance: m.defaultTolerance })),
  }
}

/** What the device is set to is the likeliest thing to prescribe for it. */
export function settingOf(device: Device, metricName: MetricName): number {
  const settings: Record<MetricName, number> = {
    Pressure: device.pressureSetting,
    FlowRate: device.flowRateSetting,
    FlowLevel: device.flowLevelSetting,
  }
  return settings[metricName]
}

const asNumber = (input: string | number): number => (input === '' ? NaN : Number(input))

/** Only what saves a round trip; the service has the last word. */
export function validate(draft: Draft): FieldErrors {
  const errors: FieldErrors = {}
  if (draft.patientId === '') errors['/patientId'] = 'Choose a patient.'
  if (draft.deviceId === '') errors['/deviceId'] = 'Choose a device.'
  const start = fromInput(draft.start)
  const end = fromInput(draft.end)
  if (start === null) errors['/startDate'] = 'Enter the start.'
  if (start !== null && end !== null && end <= start) errors['/endDate'] = 'The end must be after the start.'
  draft.parameters.forEach((parameter, index) => {
    const value = asNumber(parameter.value)
    const tolerance = asNumber(parameter.tolerance)
    if (!Number.isFinite(value)) errors[`/parameters/${index}/parameterValue`] = 'Enter a number.'
    if (!Number.isFinite(tolerance)) errors[`/parameters/${index}/parameterTolerance`] = 'Enter a number.'
    else if (tolerance < 0) errors[`/parameters/${index}/parameterTolerance`] = 'Zero or more.'
  })
  return errors
}

/** The request body. `original` keeps the seconds of dates that were not touched. Call it on a valid draft only. */
export function toRequest(draft: Draft, original?: Pick<Prescription, 'startDate' | 'endDate'>): PrescriptionBody {
  return {
    patientId: draft.patientId,
    deviceId: draft.deviceId,
    medicationOrTherapy: draft.therapy.trim() || DEFAULT_THERAPY,
    startDate: fromInput(draft.start, original?.startDate) ?? 0,
    endDate: fromInput(draft.end, original?.endDate),
    parameters: draft.parameters.map((p) => ({
      parameterName: p.name,
      parameterValue: asNumber(p.value),
      parameterType: p.type,
      parameterTolerance: asNumber(p.tolerance),
    })),
  }
}
