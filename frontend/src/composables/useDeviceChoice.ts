import { computed, type Ref } from 'vue'
import type { Line } from '@/lib/chartOptions'
import { isStringList, persisted } from '@/lib/persisted'
import { WINDOW_HOURS } from '@/lib/series'

/** What the Telemetry page shows, as chosen the last time in this browser. */
export function useDeviceChoice(devices: Readonly<Ref<string[]>>) {
  const kept = persisted<string[]>('hc.telemetry.devices', [], isStringList)
  /** The device whose band is drawn; empty leaves it to the page. */
  const focusChoice = persisted<string>('hc.telemetry.focus', '', (v): v is string => typeof v === 'string')
  const hours = persisted<number>('hc.telemetry.hours', 6, (v): v is number => WINDOW_HOURS.some((h) => h === v))

  /** Empty means all, and so does a kept choice of devices that are gone. */
  const chosen = computed({
    get: () => kept.value.filter((id) => devices.value.includes(id)),
    set: (next) => (kept.value = next),
  })
  const lines = computed<Line[]>(() =>
    devices.value.map((deviceId, index) => ({ deviceId, index })).filter((l) => chosen.value.length === 0 || chosen.value.includes(l.deviceId)),
  )
  const shown = computed(() => new Set(lines.value.map((l) => l.deviceId)))
  return { chosen, focusChoice, hours, lines, shown }
}
