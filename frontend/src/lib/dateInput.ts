const two = (n: number): string => String(n).padStart(2, '0')

/** Epoch milliseconds as the value of a `datetime-local` input (local time, minutes). Null is an empty input. */
export function toInput(ms: number | null | undefined): string {
  if (ms == null) return ''
  const d = new Date(ms)
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`
}

/**
 * Back to epoch milliseconds. An input that still shows `original` keeps its seconds:
 * saving a form nobody touched must not move a prescription's start.
 */
export function fromInput(text: string, original?: number | null): number | null {
  if (text === '') return null
  if (original != null && toInput(original) === text) return original
  const ms = new Date(text).getTime()
  return Number.isNaN(ms) ? null : ms
}
