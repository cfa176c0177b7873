import { describe, expect, it } from 'vitest'
import type { MetricName } from '@/api/types'
import { align, ReadingStore, timeRange } from './series'

const reading = (deviceId: string, ts: number, metricValue: number, metricName: MetricName = 'Pressure') => ({ deviceId, metricName, ts, metricValue })

describe('ReadingStore', () => {
  it('sorts late readings in and counts a repeated one once', () => {
    const store = new ReadingStore(10)
    for (const [ts, value] of [[10, 1], [30, 3], [20, 2], [30, 3.5]] as const) store.add(reading('a', ts, value))
    expect(store.get('Pressure', 'a')).toEqual({ ts: [10, 20, 30], values: [1, 2, 3.5] })
    expect(store.get('FlowRate', 'a')).toBeUndefined()
  })

  it('forgets the oldest beyond its cap and refuses what is not a number', () => {
    const store = new ReadingStore(2)
    for (const ts of [1, 2, 3]) store.add(reading('a', ts, ts))
    store.add(reading('a', 4, NaN))
    store.add(reading('a', NaN, 4))
    expect(store.get('Pressure', 'a')?.ts).toEqual([2, 3])
  })
})

it('aligns devices on one time axis with null for gaps, because NaN blanks a chart', () => {
  const store = new ReadingStore(10)
  store.add(reading('a', 10, 1))
  store.add(reading('a', 30, 3))
  store.add(reading('b', 20, 2))
  expect(align(store, 'Pressure', ['a', 'b', 'unknown'])).toEqual([
    [10, 20, 30],
    [1, null, 3],
    [null, 2, null],
    [null, null, null],
  ])
  expect(align(store, 'Pressure', [])).toEqual([[]])
})

it('shows the newest hours, and only what there is', () => {
  const hour = 3_600_000
  const long = { ts: [0, 10 * hour], values: [1, 1] }
  const [from, to] = timeRange([long, undefined, { ts: [], values: [] }], 6) ?? [0, 0]
  expect(from).toBeCloseTo(4 * hour - 0.06 * hour, 0)
  expect(to).toBeGreaterThan(10 * hour)
  expect(timeRange([{ ts: [9 * hour, 10 * hour], values: [1, 1] }], 6)?.[0]).toBeGreaterThan(8.9 * hour)
  expect(timeRange([undefined], 6)).toBeUndefined()
})
