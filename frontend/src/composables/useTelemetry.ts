import { onScopeDispose, ref, shallowRef } from 'vue'
import { api, unwrap } from '@/api/client'
import { messageOf } from '@/api/problem'
import type { Missed, Reading } from '@/api/types'
import type { StreamState } from '@/lib/eventStream'
import { ReadingStore } from '@/lib/series'
import { listenLive } from './live'

/** Points kept per device and metric; at five minutes of story each, a little over a day. */
const POINTS = 300
/** Charts redraw at most this often; more is not visible and costs battery. */
const REDRAW_MS = 150
const QUEUE_CAP = 20_000

/** Live readings of all devices. `version` changes when the charts should draw; the columns are read from `store`. */
export function useTelemetry() {
  const store = new ReadingStore(POINTS)
  const version = shallowRef(0)
  const state = ref<StreamState>('closed')
  const failure = ref('')
  const loaded = ref(false)
  const missed = ref(0)
  const paused = ref(false)
  const waiting = ref(0)
  let held: Reading[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  function redraw(): void {
    timer ??= setTimeout(() => {
      timer = undefined
      waiting.value = held.length
      version.value += 1
    }, REDRAW_MS)
  }

  function take(reading: Reading): void {
    if (paused.value) {
      if (held.length >= QUEUE_CAP) held.shift()
      held.push(reading)
    } else store.add(reading)
    redraw()
  }

  /** Readings have an identity, so those that the stream delivers as well are not doubled. */
  async function backfill(): Promise<void> {
    try {
      for (const reading of await unwrap(api.GET('/telemetry/metrics'))) take(reading)
      failure.value = ''
      loaded.value = true
    } catch (error) {
      failure.value = messageOf(error)
    }
  }

  function setPaused(next: boolean): void {
    paused.value = next
    if (next) return
    for (const reading of held) store.add(reading)
    held = []
    redraw()
  }

  let first = true
  const close = listenLive({
    topic: 'telemetry',
    onState: (next) => (state.value = next),
    onOpen: () => {
      if (first || failure.value !== '') void backfill()
      first = false
    },
    on: {
      telemetry: (data) => take(data as Reading),
      reset: () => void backfill(),
      missed: (data) => {
        missed.value += (data as Missed).count
        void backfill()
      },
    },
  })
  onScopeDispose(() => {
    close()
    clearTimeout(timer)
  })

  return { store, version, state, failure, loaded, missed, paused, waiting, setPaused }
}
