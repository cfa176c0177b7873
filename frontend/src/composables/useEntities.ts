import { useQuery } from '@tanstack/vue-query'
import { computed } from 'vue'
import { api, unwrap } from '@/api/client'

const PAGE = 1000

/** All pages of a list: each next one starts after the last id of the one before. */
async function allPages<T>(page: (after: string | undefined) => Promise<T[]>, idOf: (item: T) => string): Promise<T[]> {
  const all: T[] = []
  for (;;) {
    const last = all.at(-1)
    const items = await page(last === undefined ? undefined : idOf(last))
    all.push(...items)
    if (items.length < PAGE) return all
  }
}

export function usePatients() {
  const query = useQuery({
    queryKey: ['patients'],
    staleTime: 60_000,
    queryFn: () =>
      allPages(
        (after) => unwrap(api.GET('/patients', { params: { query: { limit: PAGE, after } } })),
        (p) => p.patientId,
      ),
  })
  const byId = computed(() => new Map((query.data.value ?? []).map((p) => [p.patientId, p])))
  return { ...query, byId }
}

export function useDevices() {
  const query = useQuery({
    queryKey: ['devices'],
    staleTime: 60_000,
    queryFn: () =>
      allPages(
        (after) => unwrap(api.GET('/devices', { params: { query: { limit: PAGE, after } } })),
        (d) => d.deviceId,
      ),
  })
  const ids = computed(() => (query.data.value ?? []).map((d) => d.deviceId).sort())
  return { ...query, ids }
}

export function usePrescriptions() {
  return useQuery({
    queryKey: ['prescriptions'],
    // Someone else's edit shows without a reload.
    refetchInterval: 5000,
    queryFn: () =>
      allPages(
        (after) => unwrap(api.GET('/prescriptions', { params: { query: { limit: PAGE, after } } })),
        (p) => p.prescriptionId,
      ),
  })
}
