import type uPlot from 'uplot'
import type { DriftEvent } from '@/api/types'
import { formatDay, formatTime } from './format'
import type { ChartColors } from './palette'
import { isOutside, type Band } from './prescriptions'
import { lowerBound, type Aligned } from './series'

/** What the plugin draws under and over the lines; read at every draw. */
export interface Overlay {
  bands: readonly Band[]
  verdicts: readonly DriftEvent[]
  /** Readings outside a band that no verdict speaks of: not judged yet, or older than the correction window. */
  outside: readonly { ts: number; value: number }[]
  colors: ChartColors
}

/** Readings of one device that are outside its prescription and have no verdict. */
export function unjudged(
  series: { ts: readonly number[]; values: readonly number[] },
  bands: readonly Band[],
  judged: ReadonlySet<number>,
): { ts: number; value: number }[] {
  const points: { ts: number; value: number }[] = []
  series.ts.forEach((ts, i) => {
    const value = series.values[i] as number
    if (!judged.has(ts) && isOutside(bands, ts, value)) points.push({ ts, value })
  })
  return points
}

/** A y range that holds the data and the bands in view, with air around; never flat. */
export function yRange(data: Aligned, bands: readonly Band[], from: number, to: number): [number, number] {
  let low = Infinity
  let high = -Infinity
  const [times, ...columns] = data
  const start = lowerBound(times, from)
  for (const column of columns) {
    for (let i = start; i < column.length && (times[i] as number) <= to; i += 1) {
      const value = column[i]
      if (value == null) continue
      if (value < low) low = value
      if (value > high) high = value
    }
  }
  for (const band of bands) {
    if (band.start > to || band.end <= from) continue
    low = Math.min(low, band.target - band.tolerance)
    high = Math.max(high, band.target + band.tolerance)
  }
  if (low > high) return [0, 1]
  const air = Math.max((high - low) * 0.12, Math.abs(high) * 0.01, 0.1)
  return [low - air, high + air]
}

/** Hours on the first line; the day below the first one and wherever it changes. */
export function timeLabels(splits: readonly number[]): string[] {
  let shown = ''
  return splits.map((ts) => {
    const day = formatDay(ts)
    const label = day === shown ? formatTime(ts) : `${formatTime(ts)}\n${day}`
    shown = day
    return label
  })
}

/** In CSS pixels: as large as neighbours leave room for. */
export function markRadius(width: number, pointsInView: number): number {
  return Math.min(Math.max((width / Math.max(pointsInView, 1)) * 0.7, 2.2), 4.5)
}

function drawBand(u: uPlot, { bands, colors }: Overlay): void {
  const { ctx, bbox } = u
  const right = bbox.left + bbox.width
  const at = (ts: number): number => Math.min(Math.max(u.valToPos(ts, 'x', true), bbox.left), right)
  for (const band of bands) {
    const x0 = at(band.start)
    const x1 = band.end === Infinity ? right : at(band.end)
    if (x1 <= x0) continue
    const top = u.valToPos(band.target + band.tolerance, 'y', true)
    const bottom = u.valToPos(band.target - band.tolerance, 'y', true)
    const middle = u.valToPos(band.target, 'y', true)
    ctx.fillStyle = colors.band
    ctx.fillRect(x0, top, x1 - x0, bottom - top)
    ctx.strokeStyle = colors.bandEdge
    ctx.lineWidth = devicePixelRatio
    ctx.setLineDash([])
    ctx.beginPath()
    for (const y of [top, bottom]) {
      ctx.moveTo(x0, y)
      ctx.lineTo(x1, y)
    }
    ctx.stroke()
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio])
    ctx.beginPath()
    ctx.moveTo(x0, middle)
    ctx.lineTo(x1, middle)
    ctx.stroke()
    ctx.setLineDash([])
  }
}

function drawMarks(u: uPlot, { verdicts, outside, colors }: Overlay): void {
  const { ctx } = u
  const r = markRadius(u.width, pointsInView(u)) * devicePixelRatio
  ctx.lineWidth = 1.25 * devicePixelRatio
  ctx.strokeStyle = colors.outside
  for (const point of outside) {
    ctx.beginPath()
    ctx.arc(u.valToPos(point.ts, 'x', true), u.valToPos(point.value, 'y', true), r * 0.8, 0, 2 * Math.PI)
    ctx.stroke()
  }
  ctx.strokeStyle = colors.surface
  for (const v of verdicts) {
    const x = u.valToPos(v.ts, 'x', true)
    const y = u.valToPos(v.actualValue, 'y', true)
    const up = v.driftDirection === 'above' ? 1 : -1
    ctx.fillStyle = up === 1 ? colors.above : colors.below
    ctx.beginPath()
    ctx.moveTo(x, y - up * r)
    ctx.lineTo(x + r, y + up * r * 0.75)
    ctx.lineTo(x - r, y + up * r * 0.75)
    ctx.closePath()
    ctx.fill()
    if (r > 3 * devicePixelRatio) ctx.stroke()
  }
}

function pointsInView(u: uPlot): number {
  const times = u.data[0]
  return lowerBound(times as number[], u.scales.x?.max ?? 0) - lowerBound(times as number[], u.scales.x?.min ?? 0)
}

function clipped(u: uPlot, draw: () => void): void {
  const { ctx, bbox } = u
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  draw()
  ctx.restore()
}

/** Bands under the grid and the lines, marks on top of them. */
export function overlayPlugin(overlay: () => Overlay): uPlot.Plugin {
  return {
    hooks: {
      drawClear: (u) => clipped(u, () => drawBand(u, overlay())),
      draw: (u) => clipped(u, () => drawMarks(u, overlay())),
    },
  }
}
