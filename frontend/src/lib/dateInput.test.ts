import { expect, it } from 'vitest'
import { fromInput, toInput } from './dateInput'

it('goes to local minutes and back', () => {
  const ms = Date.UTC(2026, 6, 1, 10, 30)
  expect(toInput(ms)).toBe('2026-07-01T12:30')
  expect(fromInput('2026-07-01T12:30')).toBe(ms)
  expect(toInput(null)).toBe('')
  expect(fromInput('')).toBeNull()
  expect(fromInput('soon')).toBeNull()
})

it('keeps the seconds of a date that was not touched', () => {
  const ms = Date.UTC(2026, 6, 1, 10, 30, 17, 250)
  expect(fromInput(toInput(ms), ms)).toBe(ms)
  expect(fromInput('2026-07-01T12:31', ms)).toBe(Date.UTC(2026, 6, 1, 10, 31))
})
