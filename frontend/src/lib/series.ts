import type { Reading } from '@/api/types'

/** Sorted columns of one device and metric. */
export interface Series {
  ts: number[]
  values: number[]
}

/** First index whose ts is not smaller. */
export function lowerBound(ts: readonly number[], wanted: number): number {
  let low = 0
  let high = ts.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ts[middle] as number) < wanted) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * The newest readings by device and metric. Not reactive on purpose: it changes hundreds of times a second,
 * and the screen asks for columns when it is ready to draw.
 */
export class ReadingStore {
  private readonly series = new Map<string, Series>()
  private readonly cap: number

  constructor(cap: number) {
    this.cap = cap
  }

  /** A repeated (device, metric, ts) replaces: it is the same reading. Late ones are sorted in. */
  add(reading: Pick<Reading, 'deviceId' | 'metricName' | 'ts' | 'metricValue'>): void {
    if (!Number.isFinite(reading.ts) || !Number.isFinite(reading.metricValue)) return
    const key = `${reading.metricName}\n${reading.deviceId}`
    let series = this.series.get(key)
    if (series === undefined) this.series.set(key, (series = { ts: [], values: [] }))
    const { ts, values } = series
    const last = ts.at(-1)
    if (last === undefined || reading.ts > last) {
      ts.push(reading.ts)
      values.push(reading.metricValue)
    } else {
      const at = lowerBound(ts, reading.ts)
      if (ts[at] === reading.ts) values[at] = reading.metricValue
      else {
        ts.splice(at, 0, reading.ts)
        values.splice(at, 0, reading.metricValue)
      }
    }
    if (ts.length > this.cap) {
      ts.shift()
      values.shift()
    }
  }

  get(metricName: string, deviceId: string): Series | undefined {
    return this.series.get(`${metricName}\n${deviceId}`)
  }

  clear(): void {
    this.series.clear()
  }
}

/** What the charts can show; the longest is what the store keeps at five story minutes a reading. */
export const WINDOW_HOURS: readonly number[] = [3, 6, 12, 24]
const HOUR = 3_600_000

/** The newest `hours` of the given series, or all of them while there is less; one range for all charts. */
export function timeRange(series: readonly (Series | undefined)[], hours: number): [number, number] | undefined {
  const filled = series.filter((s) => s !== undefined && s.ts.length > 0) as Series[]
  if (filled.length === 0) return undefined
  const first = Math.min(...filled.map((s) => s.ts[0] as number))
  const last = Math.max(...filled.map((s) => s.ts.at(-1) as number))
  const from = Math.max(first, last - hours * HOUR)
  const air = Math.max((last - from) * 0.01, 60_000)
  return [from - air, last + air]
}

/** `null` where a device has no reading at a time: NaN would blank the whole chart. */
export type Aligned = [number[], ...(number | null)[][]]

/** The columns uPlot wants: all times once, then one column per device. */
export function align(store: ReadingStore, metricName: string, deviceIds: readonly string[]): Aligned {
  const columns = deviceIds.map((id) => store.get(metricName, id))
  const times = [...new Set(columns.flatMap((c) => c?.ts ?? []))].sort((a, b) => a - b)
  const values = columns.map((column) => {
    const out: (number | null)[] = new Array<number | null>(times.length).fill(null)
    if (column === undefined) return out
    let from = 0
    column.ts.forEach((ts, i) => {
      while ((times[from] as number) < ts) from += 1
      out[from] = column.values[i] as number
    })
    return out
  })
  return [times, ...values]
}
