import { openEventStream, type EventStream, type StreamOptions, type StreamState } from './eventStream'

export type LiveTopic = 'telemetry' | 'drift' | 'simulation'

export interface LiveListener {
  topic: LiveTopic
  /** Handlers by event name, of this topic only; `reset` and `missed` come to the topic that they name. */
  on: Record<string, (data: unknown) => void>
  onState?: (state: StreamState) => void
  /** Every successful (re)connection, before its first event. */
  onOpen?: () => void
}

/** Events that every topic has; their data names the topic. */
const NOTICES = ['reset', 'missed']

const topicOf = (data: unknown): unknown => (typeof data === 'object' && data !== null && 'topic' in data ? data.topic : undefined)

/**
 * One connection for all that listen, because browsers allow six to a host. It carries the topics that somebody listens
 * to; when these change, it is opened anew after the last event, so nobody loses or repeats anything.
 */
export function createLiveStream(path: string, open: (options: StreamOptions) => EventStream = openEventStream) {
  const listeners = new Set<LiveListener>()
  let stream: EventStream | undefined
  let carried = ''
  let lastId = ''
  let state: StreamState = 'closed'
  let planned = false

  const wanted = (): string => [...new Set([...listeners].map((listener) => listener.topic))].sort().join(',')

  function deliver(name: string, data: unknown): void {
    for (const listener of [...listeners]) {
      if (!NOTICES.includes(name) || topicOf(data) === listener.topic) listener.on[name]?.(data)
    }
  }

  function settle(): void {
    planned = false
    const topics = wanted()
    if (topics === carried) return
    lastId = stream?.lastId() ?? lastId
    stream?.close()
    stream = undefined
    carried = topics
    if (topics === '') return
    const names = new Set([...listeners].flatMap((listener) => Object.keys(listener.on)))
    stream = open({
      url: `${path}?topics=${topics}`,
      after: lastId,
      on: Object.fromEntries([...names].map((name) => [name, (data: unknown) => deliver(name, data)])),
      onState: (next) => {
        state = next
        for (const listener of [...listeners]) listener.onState?.(next)
      },
      onOpen: () => {
        for (const listener of [...listeners]) listener.onOpen?.()
      },
    })
  }

  /** Leaving one page and entering the next is one change of topics, not two. */
  function plan(): void {
    if (planned) return
    planned = true
    queueMicrotask(settle)
  }

  return function listen(listener: LiveListener): () => void {
    listeners.add(listener)
    plan()
    // Somebody else has the connection already.
    if (stream !== undefined && carried.split(',').includes(listener.topic)) {
      listener.onState?.(state)
      if (state === 'live') listener.onOpen?.()
    }
    return () => {
      if (!listeners.delete(listener)) return
      listener.onState?.('closed')
      plan()
    }
  }
}
