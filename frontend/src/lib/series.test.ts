import { describe, expect, it } from 'vitest'
import { align, ReadingStore } from './series'

const reading = (deviceId: string, ts: number, metricValue: number, metricName = 'Pressure') => ({ deviceId, metricName, ts, metricValue })

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
