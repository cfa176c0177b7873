import { computed, ref } from 'vue'
import { ApiProblem, messageOf } from '@/api/problem'
import type { Prescription } from '@/api/types'
import { toInput } from '@/lib/dateInput'
import { draftOf, emptyDraft, toRequest, validate, type Draft, type FieldErrors } from '@/lib/prescriptionForm'
import { usePrescriptionActions } from './usePrescriptionActions'

export type Mode = 'create' | 'correct' | 'therapy'

/** What the dialog is about. `rx` is the prescription that is corrected or replaced. */
export interface Task {
  mode: Mode
  rx?: Prescription
  /** Values that the user already typed, when one task turns into another. */
  draft?: Draft
}

function startingDraft(task: Task, storyNow: number): Draft {
  if (task.draft) return task.draft
  if (!task.rx) return emptyDraft(storyNow)
  const draft = draftOf(task.rx)
  // A change of therapy starts now, but never before the one that it ends.
  return task.mode === 'therapy' ? { ...draft, start: toInput(Math.max(storyNow, task.rx.startDate + 60_000)) } : draft
}

/** State of one dialog, from its first values to the service's answer. */
export function usePrescriptionForm(task: Task, storyNow: number) {
  const actions = usePrescriptionActions()
  const rx = ref(task.rx)
  const draft = ref(startingDraft(task, storyNow))
  const errors = ref<FieldErrors>({})
  const problem = ref<ApiProblem>()
  const failure = ref('')
  const saving = ref(false)

  const stale = computed(() => problem.value?.status === 412)
  /** Prescriptions that share time with this one. */
  const conflictsWith = computed(() => problem.value?.conflictsWith ?? [])

  function send(): Promise<Prescription> {
    if (task.mode === 'correct' && rx.value) return actions.correct(rx.value, toRequest(draft.value, rx.value))
    // The end of the replaced one may be kept to the millisecond; the start is always a new one.
    const body = toRequest(draft.value, rx.value ? { startDate: NaN, endDate: rx.value.endDate } : undefined)
    return actions.create(body, task.mode === 'therapy' ? rx.value?.prescriptionId : undefined)
  }

  /** The saved prescription, or undefined when something has to be mended first. */
  async function save(): Promise<Prescription | undefined> {
    problem.value = undefined
    failure.value = ''
    errors.value = validate(draft.value)
    if (Object.keys(errors.value).length > 0) return undefined
    saving.value = true
    try {
      return await send()
    } catch (error) {
      failure.value = messageOf(error)
      if (error instanceof ApiProblem) {
        problem.value = error
        errors.value = error.fields
      }
      return undefined
    } finally {
      saving.value = false
    }
  }

  /** Throws away what was typed and shows what is stored now. */
  async function reload(): Promise<void> {
    if (!rx.value) return
    try {
      rx.value = await actions.reload(rx.value.prescriptionId)
      draft.value = draftOf(rx.value)
      problem.value = undefined
      failure.value = ''
      errors.value = {}
      await actions.refresh()
    } catch (error) {
      failure.value = messageOf(error)
    }
  }

  return { rx, draft, errors, failure, saving, stale, conflictsWith, save, reload }
}
