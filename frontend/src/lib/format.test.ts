import { expect, it } from 'vitest'
import { formatBand, formatDateTime, formatDeviation, formatSpeed, formatValue } from './format'
import { metricOf, readableUnit } from './metrics'

it('shows local date and time in an order nobody can mistake', () => {
  expect(formatDateTime(Date.UTC(2026, 4, 3, 22, 5))).toBe('4 May 2026, 00:05')
  expect(formatDateTime(null)).toBe('—')
})

it('shows numbers as they were written, and deviations with a sign', () => {
  expect(formatValue(12)).toBe('12')
  expect(formatValue(2.7000000000000002)).toBe('2.7')
  expect(formatBand(12, 0.5)).toBe('12 ± 0.5')
  expect(formatDeviation(1.347, 'Pressure')).toBe('+1.35')
  expect(formatDeviation(-60, 'FlowLevel')).toBe('−60.0')
})

it('says how fast the story runs', () => {
  expect(formatSpeed(500)).toBe('500×')
  expect(formatSpeed(1)).toBe('real time')
  expect(formatSpeed(0)).toBe('—')
})

it('reads units aloud and leaves unknown ones alone', () => {
  expect(readableUnit('cm[H2O]')).toBe('cmH₂O')
  expect(readableUnit('mg/dL')).toBe('mg/dL')
  expect(metricOf('FlowLevel').unit).toBe('mL')
  expect(metricOf('Humidity' as 'Pressure')).toMatchObject({ label: 'Humidity', unit: '' })
})
