import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { effectScope, type EffectScope } from 'vue'
import type * as Client from '@/api/client'
import type { DriftEvent } from '@/api/types'
import type { LiveListener } from '@/lib/liveStream'
import type * as Drift from './useDrift'

let snapshot: DriftEvent[]
let stream: LiveListener
const get = vi.fn(async () => ({ data: snapshot, response: new Response(null, { status: 200 }) }))
const closed = vi.fn()

vi.mock('@/api/client', async (original) => {
  vi.stubGlobal('window', { location: { origin: 'http://localhost' } })
  return { ...(await original<typeof Client>()), api: { GET: get } }
})
vi.mock('./live', () => ({
  listenLive: (listener: LiveListener) => {
    stream = listener
    listener.onState?.('connecting')
    return closed
  },
}))

const verdict = (ts: number, more: Partial<DriftEvent> = {}): DriftEvent => ({
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
})

let scope: EffectScope
let drift: ReturnType<typeof Drift.useDrift>
const times = (): number[] => drift.list.value.map((v) => v.ts)
/** Lets the snapshot arrive and the batched changes apply. */
const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(300)

beforeEach(async () => {
  vi.useFakeTimers()
  vi.resetModules()
  vi.clearAllMocks()
  snapshot = [verdict(1), verdict(2)]
  const { useDrift } = await import('./useDrift')
  scope = effectScope()
  drift = scope.run(() => useDrift()) as typeof drift
  stream.onOpen?.()
  await settle()
})
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})

it('starts from the snapshot and follows the stream', async () => {
  expect(times()).toEqual([2, 1])
  stream.on.drift?.(verdict(3, { deviceId: 'DEV-P001', prescriptionId: 'RX-DEV-P001' }))
  await settle()
  expect(times()).toEqual([3, 2, 1])
  expect(drift.rejudged.value).toBe(0)
  expect(drift.byPrescription.value.get('RX-DEV-P003')).toBe(2)
  expect(drift.byDevice.value.get('DEV-P001')).toBe(1)
})

it('shows a cleared verdict fading, then not at all', async () => {
  stream.on['drift-cleared']?.(verdict(2))
  await settle()
  expect(times()).toEqual([1])
  expect([...drift.cleared.value.values()].map((v) => v.ts)).toEqual([2])
  expect(drift.clearedTotal.value).toBe(1)
  expect(drift.rejudged.value).toBe(1)
  await vi.advanceTimersByTimeAsync(2000)
  expect(drift.cleared.value.size).toBe(0)
})

it('holds still while paused, says how much waits, and catches up', async () => {
  drift.setPaused(true)
  stream.on.drift?.(verdict(3))
  stream.on['drift-cleared']?.(verdict(1))
  await settle()
  expect(times()).toEqual([2, 1])
  expect(drift.waiting.value).toBe(2)
  drift.setPaused(false)
  expect(times()).toEqual([3, 2])
  expect(drift.waiting.value).toBe(0)
})

it('reads everything again after a reset or missed events, also when it was paused then', async () => {
  snapshot = [verdict(7)]
  stream.on.reset?.(null)
  await settle()
  expect(times()).toEqual([7])

  drift.setPaused(true)
  snapshot = [verdict(8)]
  stream.on.missed?.({ count: 40 })
  await settle()
  expect(times()).toEqual([7])
  expect(drift.missed.value).toBe(40)
  drift.setPaused(false)
  await settle()
  expect(times()).toEqual([8])
})

it('tells why there are no verdicts, and tries again when the stream is back', async () => {
  get.mockRejectedValueOnce(new TypeError('Failed to fetch'))
  stream.on.reset?.(null)
  await settle()
  expect(drift.failure.value).toContain('Failed to fetch')
  stream.onOpen?.()
  await settle()
  expect(drift.failure.value).toBe('')
})

it('listens once for all its users, until the last has gone', async () => {
  const { useDrift } = await import('./useDrift')
  const second = effectScope()
  second.run(() => useDrift())
  second.stop()
  expect(closed).not.toHaveBeenCalled()
  scope.stop()
  expect(closed).toHaveBeenCalledOnce()
})
