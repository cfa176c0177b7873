import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { baseUrl } from '@/api/client'
import type { Dependency } from '@/api/types'

export type BackendState = 'checking' | 'ready' | 'degraded' | 'unreachable'

/** /ready answers 200 or 503 with the same body, so it is read here and not through the client that throws on 503. */
async function fetchReady(): Promise<{ ok: boolean; dependencies: Dependency[] }> {
  const response = await fetch(`${baseUrl()}/ready`, { signal: AbortSignal.timeout(8000) })
  const body: unknown = await response.json()
  const list = typeof body === 'object' && body !== null && 'dependencies' in body ? body.dependencies : undefined
  if (!Array.isArray(list)) throw new Error(`/ready answered ${response.status} without its dependencies`)
  return { ok: response.ok, dependencies: list as Dependency[] }
}

export function useBackend() {
  const query = useQuery({ queryKey: ['ready'], queryFn: fetchReady, refetchInterval: 5000, retry: false })
  const state = computed<BackendState>(() => {
    if (query.isError.value) return 'unreachable'
    if (query.data.value === undefined) return 'checking'
    return query.data.value.ok ? 'ready' : 'degraded'
  })
  const dependencies = computed(() => (state.value === 'unreachable' ? [] : (query.data.value?.dependencies ?? [])))
  /** Why nobody compares readings with prescriptions at the moment; undefined while somebody does, or while it is not known. */
  const comparisonOff = computed(() => {
    const projection = dependencies.value.find((d) => d.name === 'drift-projection')
    return projection === undefined || projection.status === 'ok' ? undefined : projection.detail
  })
  /** Without a database the service shows demonstration data and refuses changes. */
  const readOnly = computed(() => dependencies.value.some((d) => d.name === 'postgres' && d.status === 'disabled'))
  return { state, dependencies, comparisonOff, readOnly }
}
