import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, onScopeDispose, ref } from 'vue'
import { api, unwrap } from '@/api/client'
import { messageOf } from '@/api/problem'
import { listenLive } from './live'

/**
 * Shared by the header, the forms' defaults and the Telemetry page; the poll is one, however many use it. Starts and stops,
 * also those of others, show at once.
 */
export function useSimulationStatus() {
  const query = useQuery({
    queryKey: ['simulation'],
    queryFn: () => unwrap(api.GET('/simulation/status')),
    refetchInterval: 2000,
    retry: false,
  })
  const queries = useQueryClient()
  onScopeDispose(listenLive({ topic: 'simulation', on: { simulation: (data) => queries.setQueryData(['simulation'], data) } }))
  const status = computed(() => (query.isError.value ? undefined : query.data.value))
  /** "Now" for prescriptions. Without an answer it is the wall clock. */
  const storyNow = computed(() => query.data.value?.storyTime ?? Date.now())
  return { status, storyNow, error: query.error }
}

export function useSimulationControl() {
  const queries = useQueryClient()
  const busy = ref(false)
  const failure = ref('')

  async function run(call: () => Promise<unknown>): Promise<void> {
    busy.value = true
    failure.value = ''
    try {
      await call()
    } catch (error) {
      failure.value = messageOf(error)
    } finally {
      await queries.refetchQueries({ queryKey: ['simulation'] })
      busy.value = false
    }
  }

  const start = () => run(() => unwrap(api.POST('/simulation/start', { body: { simulationType: 'all' } })))
  const stop = () => run(() => unwrap(api.POST('/simulation/stop')))
  return { busy, failure, start, stop }
}
