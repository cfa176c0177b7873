import { expect, it } from 'vitest'
import type { Prescription } from '@/api/types'
import { draftOf, emptyDraft, toRequest, validate } from './prescriptionForm'

const stored: Prescription = {
  prescriptionId: 'RX-DEV-P003',
  patientId: 'P003',
  deviceId: 'DEV-P003',
  medicationOrTherapy: 'CPAP Oxygen Flow',
  startDate: Date.UTC(2026, 4, 24, 11, 8, 33, 120),
  endDate: null,
  parameters: [{ parameterName: 'Pressure', parameterValue: 12, parameterType: 'float', parameterTolerance: 1, unit: 'cm[H2O]' }],
  version: 3,
  createdAt: '2026-01-01T00:00:00Z',
  updatedAt: '2026-01-01T00:00:00Z',
}

it('sends back exactly what it was given when nothing is edited', () => {
  const draft = draftOf(stored)
  expect(validate(draft)).toEqual({})
  expect(toRequest(draft, stored)).toEqual({
    patientId: 'P003',
    deviceId: 'DEV-P003',
    medicationOrTherapy: 'CPAP Oxygen Flow',
    startDate: stored.startDate,
    endDate: null,
    parameters: [{ parameterName: 'Pressure', parameterValue: 12, parameterType: 'float', parameterTolerance: 1 }],
  })
})

it('starts a new prescription at story time and asks for what is missing', () => {
  const draft = emptyDraft(Date.UTC(2026, 4, 25, 10, 0))
  expect(draft.start).toBe('2026-05-25T12:00')
  expect(Object.keys(validate(draft))).toEqual([
    '/patientId',
    '/deviceId',
    '/parameters/0/parameterValue',
    '/parameters/1/parameterValue',
    '/parameters/2/parameterValue',
  ])
})

it('refuses an end that is not after the start, a missing number and a negative tolerance', () => {
  const draft = draftOf(stored)
  draft.end = draft.start
  draft.parameters = [{ name: 'Pressure', type: 'float', value: '', tolerance: -0.5 }]
  expect(validate(draft)).toEqual({
    '/endDate': 'The end must be after the start.',
    '/parameters/0/parameterValue': 'Enter a number.',
    '/parameters/0/parameterTolerance': 'Zero or more.',
  })
})
