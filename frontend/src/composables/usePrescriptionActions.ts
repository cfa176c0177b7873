import { useQueryClient } from '@tanstack/vue-query'
import { api, unwrap } from '@/api/client'
import type { Prescription, PrescriptionBody } from '@/api/types'

const etag = (rx: Prescription): string => `"${rx.version}"`

/** The four things that can be done to prescriptions. Each rejects with an ApiProblem and refreshes the list on success. */
export function usePrescriptionActions() {
  const queries = useQueryClient()
  const refresh = () => queries.invalidateQueries({ queryKey: ['prescriptions'] })

  async function create(body: PrescriptionBody, supersedes?: string): Promise<Prescription> {
    const made = await unwrap(api.POST('/prescriptions', { body: { ...body, supersedes } }))
    await refresh()
    return made
  }

  async function correct(rx: Prescription, body: PrescriptionBody): Promise<Prescription> {
    const made = await unwrap(
      api.PUT('/prescriptions/{prescriptionId}', {
        params: { path: { prescriptionId: rx.prescriptionId }, header: { 'If-Match': etag(rx) } },
        body,
      }),
    )
    await refresh()
    return made
  }

  async function remove(rx: Prescription): Promise<void> {
    await unwrap(
      api.DELETE('/prescriptions/{prescriptionId}', {
        params: { path: { prescriptionId: rx.prescriptionId }, header: { 'If-Match': etag(rx) } },
      }),
    )
    await refresh()
  }

  function reload(prescriptionId: string): Promise<Prescription> {
    return unwrap(api.GET('/prescriptions/{prescriptionId}', { params: { path: { prescriptionId } } }))
  }

  return { create, correct, remove, reload, refresh }
}
