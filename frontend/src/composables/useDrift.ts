import { computed, onScopeDispose, ref, shallowRef, triggerRef } from 'vue'
import { api, unwrap } from '@/api/client'
import { messageOf } from '@/api/problem'
import type { DriftEvent, DriftKey, Missed } from '@/api/types'
import { applyChange, countBy, driftKey, fromSnapshot, newestFirst, trim, type DriftChange, type Verdicts } from '@/lib/drift'
import type { StreamState } from '@/lib/eventStream'
import { listenLive } from './live'

/** The most that /drift answers, and the most that this page remembers. */
export const DRIFT_CAP = 1000
const CLEARED_SHOWN_MS = 1400
const FLUSH_MS = 250
/** Changes that wait while paused; beyond it a fresh snapshot is cheaper than replaying. */
const QUEUE_CAP = 20_000

/*
 * One store for the whole page: the list, the chart marks and the counts beside prescriptions show the same verdicts.
 */
let verdicts: Verdicts = new Map()
const list = shallowRef<DriftEvent[]>([])
/** Verdicts that a correction just cleared; they fade before they go. */
const cleared = shallowRef(new Map<string, DriftEvent>())
const state = ref<StreamState>('closed')
const failure = ref('')
const loaded = ref(false)
const missed = ref(0)
const clearedTotal = ref(0)
/** Grows when verdicts of readings already judged change: some prescription is not what it was. */
const rejudged = ref(0)
const paused = ref(false)
const waiting = ref(0)

let queue: DriftChange[] = []
let overflow = false
let snapshotRunning = false
let flushTimer: ReturnType<typeof setTimeout> | undefined
let close: (() => void) | undefined
let users = 0

function flush(): void {
  flushTimer = undefined
  if (paused.value || snapshotRunning) {
    waiting.value = queue.length
    return
  }
  let changed = false
  let again = false
  for (const change of queue) {
    if (change.kind === 'cleared') fade(change.key)
    else cleared.value.delete(driftKey(change.verdict))
    again ||= change.kind === 'cleared' || verdicts.has(driftKey(change.verdict))
    changed = applyChange(verdicts, change) || changed
  }
  if (again) rejudged.value += 1
  queue = []
  waiting.value = 0
  if (changed) publish()
}

function publish(): void {
  trim(verdicts, DRIFT_CAP)
  list.value = newestFirst(verdicts)
}

function fade(key: DriftKey): void {
  const id = driftKey(key)
  const old = verdicts.get(id)
  if (old === undefined) return
  clearedTotal.value += 1
  cleared.value.set(id, old)
  triggerRef(cleared)
  setTimeout(() => {
    if (cleared.value.delete(id)) triggerRef(cleared)
  }, CLEARED_SHOWN_MS)
}

function enqueue(change: DriftChange): void {
  if (queue.length >= QUEUE_CAP) {
    overflow = true
    queue = []
  }
  queue.push(change)
  flushTimer ??= setTimeout(flush, FLUSH_MS)
}

async function snapshot(): Promise<void> {
  if (snapshotRunning) return
  if (paused.value) {
    overflow = true
    return
  }
  snapshotRunning = true
  try {
    const rows = await unwrap(api.GET('/drift', { params: { query: { limit: DRIFT_CAP } } }))
    verdicts = fromSnapshot(rows, queue)
    queue = []
    failure.value = ''
    loaded.value = true
    publish()
  } catch (error) {
    failure.value = messageOf(error)
  } finally {
    snapshotRunning = false
    flush()
  }
}

function setPaused(next: boolean): void {
  paused.value = next
  if (next) return
  if (overflow) {
    overflow = false
    void snapshot()
  } else flush()
}

function open(): void {
  let first = true
  close = listenLive({
    topic: 'drift',
    onState: (next) => (state.value = next),
    onOpen: () => {
      // Later connections resume by id; the service says `reset` when it cannot.
      if (first || failure.value !== '') void snapshot()
      first = false
    },
    on: {
      drift: (data) => enqueue({ kind: 'drift', verdict: data as DriftEvent }),
      'drift-cleared': (data) => enqueue({ kind: 'cleared', key: data as DriftKey }),
      reset: () => void snapshot(),
      missed: (data) => {
        missed.value += (data as Missed).count
        void snapshot()
      },
    },
  })
}

const byDevice = computed(() => countBy(list.value, 'deviceId'))
const byMetric = computed(() => countBy(list.value, 'metricName'))
const byPrescription = computed(() => countBy(list.value, 'prescriptionId'))

/** Listens while at least one component uses it. */
export function useDrift() {
  if (users++ === 0) open()
  onScopeDispose(() => {
    users -= 1
    if (users > 0) return
    close?.()
    clearTimeout(flushTimer)
    flushTimer = undefined
    queue = []
    setPaused(false)
  })
  return { rejudged, list, cleared, state, failure, loaded, missed, clearedTotal, paused, waiting, setPaused, byDevice, byMetric, byPrescription }
}
