import { ref } from 'vue'

export type Theme = 'light' | 'dark'
const KEY = 'hc.theme'

const current = (): Theme => (document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light')
const theme = ref<Theme>(current())

function apply(next: Theme): void {
  document.documentElement.dataset.theme = next
  theme.value = next
}

function kept(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}

// The system's choice counts until the user makes one.
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (event) => {
  if (kept() === null) apply(event.matches ? 'dark' : 'light')
})

export function useTheme() {
  function toggle(): void {
    const next = theme.value === 'dark' ? 'light' : 'dark'
    apply(next)
    try {
      localStorage.setItem(KEY, next)
    } catch {
      // The choice lasts as long as the page.
    }
  }
  return { theme, toggle }
}
