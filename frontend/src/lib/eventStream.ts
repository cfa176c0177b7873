export type StreamState = 'connecting' | 'live' | 'reconnecting' | 'closed'

export interface StreamOptions {
  url: string
  /** Continue after this event id; empty begins now. */
  after?: string
  /** Handlers by event name; `data` is parsed JSON, and a frame that is not JSON is skipped. */
  on: Record<string, (data: unknown) => void>
  onState: (state: StreamState) => void
  /** Every successful (re)connection, before its first event. */
  onOpen?: () => void
  /** Silence for longer than this means a dead connection: the service sends a ping after 15 s. */
  silenceMs?: number
  createSource?: (url: string) => EventSource
}

export interface EventStream {
  close: () => void
  /** The id of the last event, or empty. */
  lastId: () => string
}

/** Seconds between attempts: quick at first, never more than ten. */
export const retryDelay = (attempt: number): number => Math.min(1000 * 2 ** attempt, 10_000)

/**
 * EventSource reconnects by itself after a broken connection, and gives up for good on any answer that is not 200
 * (a proxy whose service is restarting). This one does not give up, resumes after the last id it saw, and notices silence.
 */
export function openEventStream(options: StreamOptions): EventStream {
  const create = options.createSource ?? ((url: string) => new EventSource(url))
  const silence = options.silenceMs ?? 25_000
  let source: EventSource | undefined
  let lastId = options.after ?? ''
  let attempt = 0
  let retry: ReturnType<typeof setTimeout> | undefined
  let watchdog: ReturnType<typeof setTimeout> | undefined

  const heard = (): void => {
    clearTimeout(watchdog)
    watchdog = setTimeout(reconnect, silence)
  }

  const deliver = (name: string) => (event: MessageEvent<string>) => {
    heard()
    if (event.lastEventId !== '') lastId = event.lastEventId
    const handler = options.on[name]
    if (handler === undefined) return
    let data: unknown
    try {
      data = JSON.parse(event.data || 'null')
    } catch {
      return
    }
    handler(data)
  }

  function connect(): void {
    const after = lastId === '' ? '' : `${options.url.includes('?') ? '&' : '?'}after=${encodeURIComponent(lastId)}`
    source = create(options.url + after)
    heard()
    source.onopen = () => {
      attempt = 0
      heard()
      options.onState('live')
      options.onOpen?.()
    }
    source.onerror = () => reconnect()
    for (const name of new Set([...Object.keys(options.on), 'ping'])) {
      source.addEventListener(name, deliver(name) as EventListener)
    }
  }

  function reconnect(): void {
    source?.close()
    clearTimeout(watchdog)
    clearTimeout(retry)
    options.onState('reconnecting')
    retry = setTimeout(connect, retryDelay(attempt))
    attempt += 1
  }

  options.onState('connecting')
  connect()
  return {
    lastId: () => lastId,
    close: () => {
      source?.close()
      clearTimeout(watchdog)
      clearTimeout(retry)
      options.onState('closed')
    },
  }
}
