import type { Theme } from '@/composables/useTheme'

/*
 * Lines of devices. No orange and no violet: those two say "above" and "below".
 * Neighbours differ in lightness as well as in hue.
 */
const LINES: Record<Theme, readonly string[]> = {
  light: ['#1d4ed8', '#0f8f83', '#a11d5c', '#5b6675', '#5c8a0c', '#0786b5', '#8a5a2b', '#1e3a6e', '#c2418c', '#2f6b3d'],
  dark: ['#7aa7ff', '#3fd0bf', '#f384b6', '#a9b6c6', '#a6d64b', '#4cc4f0', '#d0a273', '#9fb6f2', '#f5a6d5', '#7fc98f'],
}

/** By position among all devices, so that a line keeps its colour when others are hidden. */
export const lineColor = (theme: Theme, index: number): string => LINES[theme][index % LINES[theme].length] as string

export interface ChartColors {
  axis: string
  grid: string
  band: string
  bandEdge: string
  surface: string
  above: string
  below: string
  outside: string
}

export const CHART_COLORS: Record<Theme, ChartColors> = {
  light: {
    axis: '#4d5b6c',
    grid: 'rgba(77, 91, 108, 0.13)',
    band: 'rgba(11, 107, 100, 0.12)',
    bandEdge: 'rgba(11, 107, 100, 0.55)',
    surface: '#ffffff',
    above: '#c2540a',
    below: '#6333c4',
    outside: '#131c28',
  },
  dark: {
    axis: '#a8b5c4',
    grid: 'rgba(168, 181, 196, 0.13)',
    band: 'rgba(79, 209, 192, 0.14)',
    bandEdge: 'rgba(79, 209, 192, 0.55)',
    surface: '#121a23',
    above: '#fb9a4b',
    below: '#b79bff',
    outside: '#e8edf3',
  },
}
