import { beforeEach, describe, expect, it } from 'vitest'
import type { EventStream, StreamOptions } from './eventStream'
import { createLiveStream, type LiveListener, type LiveTopic } from './liveStream'

interface Opened {
  options: StreamOptions
  closed: boolean
  lastId: string
}

/** Lets the change of topics take place. */
const settle = (): Promise<void> => Promise.resolve()

describe('createLiveStream', () => {
  let opened: Opened[]
  let listen: ReturnType<typeof createLiveStream>
  const latest = (): Opened => opened.at(-1) as Opened

  beforeEach(() => {
    opened = []
    listen = createLiveStream('/api/events', (options): EventStream => {
      const one: Opened = { options, closed: false, lastId: options.after ?? '' }
      opened.push(one)
      options.onState('connecting')
      return { lastId: () => one.lastId, close: () => (one.closed = true) }
    })
  })

  function listener(topic: LiveTopic, event: string) {
    const heard: unknown[] = []
    const on: LiveListener['on'] = Object.fromEntries([event, 'reset', 'missed'].map((name) => [name, (data: unknown) => heard.push([name, data])]))
    const states: string[] = []
    let opens = 0
    const close = listen({ topic, on, onState: (state) => states.push(state), onOpen: () => (opens += 1) })
    return { heard, states, close, opens: () => opens }
  }

  it('has one connection for all topics, and gives each listener its own events', async () => {
    const telemetry = listener('telemetry', 'telemetry')
    const drift = listener('drift', 'drift')
    await settle()
    expect(opened.map((one) => one.options.url)).toEqual(['/api/events?topics=drift,telemetry'])
    latest().options.onState('live')
    latest().options.onOpen?.()
    latest().options.on.telemetry?.(1)
    latest().options.on.drift?.(2)
    latest().options.on.missed?.({ topic: 'telemetry', count: 3 })
    latest().options.on.reset?.({ topic: 'drift' })
    expect(telemetry.heard).toEqual([['telemetry', 1], ['missed', { topic: 'telemetry', count: 3 }]])
    expect(drift.heard).toEqual([['drift', 2], ['reset', { topic: 'drift' }]])
    expect(telemetry.states).toEqual(['connecting', 'live'])
    expect([telemetry.opens(), drift.opens()]).toEqual([1, 1])
  })

  it('goes on after the last event when the topics change, and closes after the last listener', async () => {
    const drift = listener('drift', 'drift')
    await settle()
    latest().lastId = 'boot-41'
    const telemetry = listener('telemetry', 'telemetry')
    await settle()
    expect(opened[0]?.closed).toBe(true)
    expect(latest().options).toMatchObject({ url: '/api/events?topics=drift,telemetry', after: 'boot-41' })
    latest().lastId = 'boot-50'
    telemetry.close()
    drift.close()
    await settle()
    expect(opened).toHaveLength(2)
    expect(latest().closed).toBe(true)
    expect(drift.states.at(-1)).toBe('closed')
  })

  it('stays as it is when one page follows another', async () => {
    const first = listener('drift', 'drift')
    await settle()
    latest().options.onState('live')
    first.close()
    const second = listener('drift', 'drift')
    await settle()
    expect(opened).toHaveLength(1)
    expect(second.states).toEqual(['live'])
    expect(second.opens()).toBe(1)
    latest().options.on.drift?.(1)
    expect([first.heard, second.heard]).toEqual([[], [['drift', 1]]])
  })
})
