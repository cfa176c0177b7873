import type { MetricName, Prescription } from '@/api/types'

export interface Band {
  /** Validity is [start, end), in epoch milliseconds; an open end is Infinity. */
  start: number
  end: number
  target: number
  tolerance: number
  prescriptionId: string
}

export type Phase = 'active' | 'ended' | 'planned'

/** Judged at story time, since that is when the simulated devices live. */
export function phaseOf(rx: Pick<Prescription, 'startDate' | 'endDate'>, now: number): Phase {
  if (now < rx.startDate) return 'planned'
  return rx.endDate != null && rx.endDate <= now ? 'ended' : 'active'
}

/** The prescribed bands of one device and metric, oldest first. */
export function bandsOf(prescriptions: readonly Prescription[], deviceId: string, metricName: MetricName): Band[] {
  return prescriptions
    .filter((rx) => rx.deviceId === deviceId)
    .flatMap((rx) =>
      rx.parameters
        .filter((p) => p.parameterName === metricName)
        .map((p) => ({
          start: rx.startDate,
          end: rx.endDate ?? Infinity,
          target: p.parameterValue,
          tolerance: p.parameterTolerance,
          prescriptionId: rx.prescriptionId,
        })),
    )
    .sort((a, b) => a.start - b.start)
}

export const bandAt = (bands: readonly Band[], ts: number): Band | undefined => bands.find((b) => ts >= b.start && ts < b.end)

/** Outside means further from the target than the tolerance; on the edge is inside. The billionth is the drift pipeline's. */
export function isOutside(bands: readonly Band[], ts: number, value: number): boolean {
  const band = bandAt(bands, ts)
  return band !== undefined && Math.abs(value - band.target) > band.tolerance + 1e-9
}

export type SortKey = 'patient' | 'medicationOrTherapy' | 'startDate' | 'drift'

export interface Row {
  rx: Prescription
  patient: string
  drift: number
}

/** Sorts a copy; ties keep the order of prescription ids, so that rows do not jump. */
export function sortRows(rows: readonly Row[], key: SortKey, descending: boolean): Row[] {
  const value = (row: Row): string | number => (key === 'patient' || key === 'drift' ? row[key] : row.rx[key])
  const sign = descending ? -1 : 1
  return [...rows].sort((a, b) => {
    const x = value(a)
    const y = value(b)
    const order = typeof x === 'number' && typeof y === 'number' ? x - y : String(x).localeCompare(String(y))
    return order !== 0 ? sign * order : a.rx.prescriptionId.localeCompare(b.rx.prescriptionId)
  })
}
