import type { MetricName } from '@/api/types'
import { metricOf } from './metrics'

// English words with day-month-year order: "03/04" would be two different days to two readers.
const LOCALE = 'en-GB'
const dateTime = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' })
const time = new Intl.DateTimeFormat(LOCALE, { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short' })
const count = new Intl.NumberFormat(LOCALE)

export const NONE = '—'

/** Local time. Intl puts ", " between date and time, and that is what the screens show. */
export const formatDateTime = (ms: number | null | undefined): string => (ms == null ? NONE : dateTime.format(ms))
export const formatTime = (ms: number): string => time.format(ms)
export const formatDay = (ms: number): string => day.format(ms)
export const formatCount = (n: number): string => count.format(n)

/** At most `digits` decimals, and no trailing zeros: 12 and 2.5, not 12.00 and 2.50. */
export const formatValue = (value: number, digits = 2): string =>
  new Intl.NumberFormat(LOCALE, { maximumFractionDigits: digits, useGrouping: false }).format(value)

/** Always `digits` decimals, for columns that are compared by eye. */
export const formatFixed = (value: number, digits: number): string => value.toFixed(digits)

/** With its sign, and a real minus. */
export function formatDeviation(value: number, metricName: MetricName): string {
  const text = Math.abs(value).toFixed(metricOf(metricName).digits)
  return `${value < 0 ? '−' : '+'}${text}`
}

/** "12 ± 1" */
export const formatBand = (target: number, tolerance: number): string => `${formatValue(target)} ± ${formatValue(tolerance)}`

/** How much faster than real time the story runs. */
export function formatSpeed(speed: number): string {
  if (speed <= 0) return NONE
  return speed < 1.05 && speed > 0.95 ? 'real time' : `${count.format(Math.round(speed * 10) / 10)}×`
}

/** The zone that every time on the screen is in. */
export const localZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone
