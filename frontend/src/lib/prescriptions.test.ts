import { describe, expect, it } from 'vitest'
import type { Prescription } from '@/api/types'
import { bandAt, bandsOf, isOutside, phaseOf, sortRows } from './prescriptions'

function rx(id: string, startDate: number, endDate: number | null, target = 12, tolerance = 1): Prescription {
  return {
    prescriptionId: id,
    patientId: 'P003',
    deviceId: 'DEV-P003',
    medicationOrTherapy: 'CPAP Oxygen Flow',
    startDate,
    endDate,
    parameters: [{ parameterName: 'Pressure', parameterValue: target, parameterType: 'float', parameterTolerance: tolerance, unit: 'cm[H2O]' }],
    version: 1,
    createdAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
  }
}

it('holds from its start up to, and not at, its end', () => {
  expect(phaseOf(rx('a', 100, 200), 99)).toBe('planned')
  expect(phaseOf(rx('a', 100, 200), 100)).toBe('active')
  expect(phaseOf(rx('a', 100, 200), 200)).toBe('ended')
  expect(phaseOf(rx('a', 100, null), 9e15)).toBe('active')
})

describe('bands', () => {
  const bands = bandsOf([rx('new', 200, null, 14), rx('old', 100, 200)], 'DEV-P003', 'Pressure')

  it('follow each other where a therapy changed', () => {
    expect(bands.map((b) => [b.prescriptionId, b.start, b.end, b.target])).toEqual([
      ['old', 100, 200, 12],
      ['new', 200, Infinity, 14],
    ])
    expect(bandAt(bands, 199)?.prescriptionId).toBe('old')
    expect(bandAt(bands, 200)?.prescriptionId).toBe('new')
    expect(bandAt(bands, 50)).toBeUndefined()
    expect(bandsOf([rx('a', 0, null)], 'DEV-P001', 'Pressure')).toEqual([])
  })

  it('include their edges', () => {
    expect(isOutside(bands, 150, 13)).toBe(false)
    expect(isOutside(bands, 150, 13.01)).toBe(true)
    expect(isOutside(bands, 250, 12.99)).toBe(true)
    expect(isOutside(bands, 50, 99)).toBe(false)
  })
})

it('sorts by any column without losing the order of ties', () => {
  const rows = [
    { rx: rx('b', 2, null), patient: 'Bob Jones', drift: 0 },
    { rx: rx('a', 1, null), patient: 'Alice Smith', drift: 0 },
    { rx: rx('c', 3, null), patient: 'Carol White', drift: 30 },
  ]
  const ids = (key: Parameters<typeof sortRows>[1], descending: boolean) => sortRows(rows, key, descending).map((r) => r.rx.prescriptionId)
  expect(ids('patient', false)).toEqual(['a', 'b', 'c'])
  expect(ids('startDate', true)).toEqual(['c', 'b', 'a'])
  expect(ids('drift', true)).toEqual(['c', 'a', 'b'])
})
