import { describe, expect, it } from 'vitest'
import { markRadius, timeLabels, unjudged, yRange } from './chart'
import type { Band } from './prescriptions'

const band: Band = { start: 0, end: Infinity, target: 12, tolerance: 1, prescriptionId: 'RX' }

describe('yRange', () => {
  it('holds the readings in view and the band, with air', () => {
    const [low, high] = yRange([[1, 2, 3], [99, 12, 14]], [band], 2, 3)
    expect(low).toBeLessThan(11)
    expect(high).toBeGreaterThan(14)
    expect(high).toBeLessThan(20)
  })

  it('is never flat and never empty', () => {
    const [low, high] = yRange([[1], [5]], [], 0, 2)
    expect(high - low).toBeGreaterThan(0.1)
    expect(yRange([[]], [], 0, 1)).toEqual([0, 1])
  })
})

it('marks readings outside the band until a verdict speaks of them', () => {
  const series = { ts: [1, 2, 3], values: [12, 14, 15] }
  expect(unjudged(series, [band], new Set([3]))).toEqual([{ ts: 2, value: 14 }])
  expect(unjudged(series, [], new Set())).toEqual([])
})

it('draws marks smaller where there are many', () => {
  expect(markRadius(700, 72)).toBe(4.5)
  expect(markRadius(300, 150)).toBe(2.2)
})

it('names the day once, and again when it changes', () => {
  const evening = new Date(2026, 4, 25, 23, 30).getTime()
  expect(timeLabels([evening, evening + 15 * 60_000, evening + 30 * 60_000])).toEqual(['23:30\n25 May', '23:45', '00:00\n26 May'])
})
