import type { MetricName } from '@/api/types'

export interface Metric {
  /** As on the topic and in `parameters[].parameterName`. */
  name: MetricName
  label: string
  /** UCUM, as the service spells it. */
  ucum: string
  /** What people read. */
  unit: string
  /** Digits after the point. */
  digits: number
  /** Tolerance that a new prescription starts with; the service's seed uses the same. */
  defaultTolerance: number
}

export const METRICS: readonly Metric[] = [
  { name: 'Pressure', label: 'Pressure', ucum: 'cm[H2O]', unit: 'cmH₂O', digits: 2, defaultTolerance: 1 },
  { name: 'FlowRate', label: 'Flow rate', ucum: 'L/min', unit: 'L/min', digits: 2, defaultTolerance: 0.5 },
  { name: 'FlowLevel', label: 'Flow level', ucum: 'mL', unit: 'mL', digits: 1, defaultTolerance: 50 },
]

const byName = new Map(METRICS.map((metric) => [metric.name, metric]))

/** A metric that this build does not know yet is shown under its own name, without a unit. */
export function metricOf(name: MetricName): Metric {
  return byName.get(name) ?? { name, label: name, ucum: '', unit: '', digits: 2, defaultTolerance: 0 }
}

/** `cm[H2O]` is for machines. Unknown codes are shown as they are. */
export function readableUnit(ucum: string): string {
  return METRICS.find((metric) => metric.ucum === ucum)?.unit ?? ucum
}
