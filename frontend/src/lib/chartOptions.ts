import type uPlot from 'uplot'
import type { Theme } from '@/composables/useTheme'
import { overlayPlugin, timeLabels, type Overlay } from './chart'
import { CHART_COLORS, lineColor } from './palette'

export interface Line {
  deviceId: string
  /** Position among all devices: decides the colour. */
  index: number
}

export interface Hover {
  /** Into the times of the aligned data. */
  index: number
  /** CSS pixels from the left edge of the plotting area. */
  left: number
}

interface ChartParts {
  width: number
  height: number
  theme: Theme
  lines: readonly Line[]
  focus: string | undefined
  x: () => [number, number]
  y: () => [number, number]
  overlay: () => Overlay
  onHover: (hover: Hover | undefined) => void
}

/** The other devices step back behind the one whose band is drawn. */
function lineSeries(line: Line, { theme, focus }: ChartParts): uPlot.Series {
  const behind = focus !== undefined && focus !== line.deviceId
  return {
    label: line.deviceId,
    stroke: lineColor(theme, line.index),
    width: behind ? 1 : 2,
    alpha: behind ? 0.5 : 1,
    spanGaps: true,
    points: { show: false },
  }
}

/** Times are epoch milliseconds, in the browser's zone; the cursor is shared by all charts of the page. */
export function chartOptions(parts: ChartParts): uPlot.Options {
  const colors = CHART_COLORS[parts.theme]
  const axis: uPlot.Axis = {
    stroke: colors.axis,
    font: '12px "Inter Variable", system-ui, sans-serif',
    grid: { stroke: colors.grid, width: 1 },
    ticks: { show: false },
  }
  return {
    width: parts.width,
    height: parts.height,
    ms: 1,
    padding: [10, 22, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: 'telemetry' }, drag: { x: false, y: false }, points: { size: 7 }, y: false },
    scales: { x: { time: true, range: parts.x }, y: { range: parts.y } },
    axes: [
      { ...axis, size: 40, space: 80, values: (_u, splits) => timeLabels(splits) },
      { ...axis, size: 48, space: 34 },
    ],
    series: [{}, ...parts.lines.map((line) => lineSeries(line, parts))],
    plugins: [overlayPlugin(parts.overlay)],
    hooks: {
      setCursor: [
        ({ cursor: { idx, left } }) => parts.onHover(idx == null || left == null || left < 0 ? undefined : { index: idx, left }),
      ],
    },
  }
}
