import { describe, expect, it } from 'vitest'
import type { DriftEvent } from '@/api/types'
import { applyChange, countBy, driftKey, fromSnapshot, newestFirst, trim } from './drift'

function verdict(ts: number, more: Partial<DriftEvent> = {}): DriftEvent {
  return {
    deviceId: 'DEV-P003',
    metricName: 'Pressure',
    ts,
    prescriptionId: 'RX-DEV-P003',
    patientId: 'P003',
    prescribedValue: 12,
    actualValue: 14,
    tolerance: 1,
    deviation: 2,
    driftDirection: 'above',
    message: '',
    ...more,
  }
}

describe('changes', () => {
  it('replace a verdict with the same key and keep one with another prescription apart', () => {
    const verdicts = fromSnapshot([verdict(1)], [])
    applyChange(verdicts, { kind: 'drift', verdict: verdict(1, { prescribedValue: 10, deviation: 4 }) })
    applyChange(verdicts, { kind: 'drift', verdict: verdict(1, { prescriptionId: 'RX-DEV-P003-ab12' }) })
    expect(verdicts.size).toBe(2)
    expect(verdicts.get(driftKey(verdict(1)))?.deviation).toBe(4)
  })

  it('clear exactly the verdict they name, and say when there was none', () => {
    const verdicts = fromSnapshot([verdict(1), verdict(2)], [])
    expect(applyChange(verdicts, { kind: 'cleared', key: verdict(1) })).toBe(true)
    expect(applyChange(verdicts, { kind: 'cleared', key: verdict(1) })).toBe(false)
    expect([...verdicts.values()].map((v) => v.ts)).toEqual([2])
  })
})

it('joins a snapshot with what the stream said while it was read, in order', () => {
  const verdicts = fromSnapshot(
    [verdict(1), verdict(2)],
    [
      { kind: 'cleared', key: verdict(1) },
      { kind: 'drift', verdict: verdict(3) },
      { kind: 'drift', verdict: verdict(1, { deviation: 9 }) },
    ],
  )
  expect(newestFirst(verdicts).map((v) => [v.ts, v.deviation])).toEqual([[3, 2], [2, 2], [1, 9]])
})

it('keeps the newest when there are too many', () => {
  const verdicts = fromSnapshot([verdict(1), verdict(3), verdict(2)], [])
  trim(verdicts, 2)
  expect(newestFirst(verdicts).map((v) => v.ts)).toEqual([3, 2])
})

it('counts by device, metric or prescription', () => {
  const counts = countBy([verdict(1), verdict(2), verdict(2, { metricName: 'FlowRate' })], 'metricName')
  expect(Object.fromEntries(counts)).toEqual({ Pressure: 2, FlowRate: 1 })
})
