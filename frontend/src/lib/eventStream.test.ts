import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openEventStream, retryDelay, type EventStream, type StreamState } from './eventStream'

class FakeSource extends EventTarget {
  static all: FakeSource[] = []
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  closed = false
  readonly url: string

  constructor(url: string) {
    super()
    this.url = url
    FakeSource.all.push(this)
  }

  close(): void {
    this.closed = true
  }

  say(event: string, data: string, lastEventId = ''): void {
    this.dispatchEvent(new MessageEvent(event, { data, lastEventId }))
  }
}

const latest = (): FakeSource => FakeSource.all.at(-1) as FakeSource

describe('openEventStream', () => {
  let states: StreamState[]
  let heard: unknown[]
  let opened: number
  let stream: EventStream

  beforeEach(() => {
    vi.useFakeTimers()
    FakeSource.all = []
    states = []
    heard = []
    opened = 0
    stream = openEventStream({
      url: '/api/drift/stream',
      on: { drift: (data) => heard.push(data) },
      onState: (state) => states.push(state),
      onOpen: () => (opened += 1),
      createSource: (url) => new FakeSource(url) as unknown as EventSource,
    })
  })
  afterEach(() => {
    stream.close()
    vi.useRealTimers()
  })

  it('delivers parsed events and skips frames that are not JSON', () => {
    latest().onopen?.()
    latest().say('drift', '{"ts":1}', 'b-1')
    latest().say('drift', '{"ts":')
    expect(heard).toEqual([{ ts: 1 }])
    expect(states).toEqual(['connecting', 'live'])
    expect(opened).toBe(1)
  })

  it('comes back after an error and resumes after the last id', () => {
    latest().onopen?.()
    latest().say('drift', '1', 'boot-41')
    const broken = latest()
    broken.onerror?.()
    expect(broken.closed).toBe(true)
    expect(states.at(-1)).toBe('reconnecting')
    vi.advanceTimersByTime(1000)
    expect(FakeSource.all).toHaveLength(2)
    expect(latest().url).toBe('/api/drift/stream?after=boot-41')
    expect(stream.lastId()).toBe('boot-41')
    latest().onopen?.()
    expect(states.at(-1)).toBe('live')
  })

  it('waits longer after each failure, and never too long', () => {
    expect([0, 1, 2, 3, 4, 9].map(retryDelay)).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000])
    latest().onerror?.()
    vi.advanceTimersByTime(1000)
    latest().onerror?.()
    vi.advanceTimersByTime(1999)
    expect(FakeSource.all).toHaveLength(2)
    vi.advanceTimersByTime(1)
    expect(FakeSource.all).toHaveLength(3)
  })

  it('takes silence for a dead connection, and a ping for life', () => {
    latest().onopen?.()
    vi.advanceTimersByTime(20_000)
    latest().say('ping', '')
    vi.advanceTimersByTime(20_000)
    expect(states.at(-1)).toBe('live')
    vi.advanceTimersByTime(5_000)
    expect(states.at(-1)).toBe('reconnecting')
  })

  it('stays closed when it is closed', () => {
    latest().onerror?.()
    stream.close()
    vi.advanceTimersByTime(60_000)
    expect(FakeSource.all).toHaveLength(1)
    expect(states.at(-1)).toBe('closed')
  })
})
