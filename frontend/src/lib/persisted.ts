import { ref, watch, type Ref } from 'vue'

/** A ref kept in this browser. Storage that is full or forbidden, or holds something else, is no reason to fail. */
export function persisted<T>(key: string, initial: T, accept: (value: unknown) => value is T): Ref<T> {
  let start = initial
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? 'null')
    if (accept(kept)) start = kept
  } catch {
    // The initial value will do.
  }
  const value = ref(start) as Ref<T>
  watch(
    value,
    (now) => {
      try {
        localStorage.setItem(key, JSON.stringify(now))
      } catch {
        // The choice lasts as long as the page.
      }
    },
    { deep: true },
  )
  return value
}

export const isStringList = (value: unknown): value is string[] => Array.isArray(value) && value.every((v) => typeof v === 'string')
