import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { onBeforeUnmount, onMounted, shallowRef, watch, type Ref, type WatchSource } from 'vue'
import type { Aligned } from '@/lib/series'

interface PlotParts {
  host: Readonly<Ref<HTMLElement | null>>
  data: Readonly<Ref<Aligned>>
  options: (width: number) => uPlot.Options
  /** The chart is made anew when this changes: its series or colours are others. */
  shape: WatchSource<string>
  /** And drawn again when one of these does. */
  redraw: WatchSource[]
}

/** A uPlot in an element: follows the element's width and goes with the component. Gives the current width in CSS pixels. */
export function usePlot({ host, data, options, shape, redraw }: PlotParts) {
  const width = shallowRef(0)
  let plot: uPlot | undefined

  function build(): void {
    plot?.destroy()
    plot = host.value ? new uPlot(options(width.value || host.value.clientWidth), data.value as uPlot.AlignedData, host.value) : undefined
  }

  const observer = new ResizeObserver(([entry]) => {
    const next = Math.floor(entry?.contentRect.width ?? 0)
    if (next === 0 || next === width.value) return
    width.value = next
    plot?.setSize({ width: next, height: plot.height })
  })

  watch(shape, build, { flush: 'post' })
  watch([data, ...redraw], () => plot?.setData(data.value as uPlot.AlignedData), { flush: 'post' })
  onMounted(() => {
    build()
    if (host.value) observer.observe(host.value)
  })
  onBeforeUnmount(() => {
    observer.disconnect()
    plot?.destroy()
  })
  return { width }
}
