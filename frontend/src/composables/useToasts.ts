import { ref } from 'vue'

export interface Toast {
  id: number
  text: string
}

const SHOWN_MS = 7000
const toasts = ref<Toast[]>([])
let next = 0

export function useToasts() {
  function dismiss(id: number): void {
    toasts.value = toasts.value.filter((t) => t.id !== id)
  }
  function say(text: string): void {
    const id = next++
    toasts.value = [...toasts.value.slice(-2), { id, text }]
    setTimeout(() => dismiss(id), SHOWN_MS)
  }
  return { toasts, say, dismiss }
}
