import { describe, expect, it } from 'vitest'
import { messageOf, networkProblem, toProblem } from './problem'

describe('toProblem', () => {
  it('keeps the sentence, the request id and each field under one spelling of its pointer', () => {
    const problem = toProblem(422, {
      title: 'Invalid prescription',
      detail: 'Two fields are wrong.',
      requestId: 'r-7',
      errors: [
        { pointer: '/parameters/0/parameter_tolerance', detail: 'must not be negative' },
        { pointer: '#/endDate', detail: 'must be after startDate' },
        { pointer: '/endDate', detail: 'a second text for the same field' },
        'nonsense',
      ],
    })
    expect(problem.message).toBe('Two fields are wrong.')
    expect(problem.status).toBe(422)
    expect(problem.requestId).toBe('r-7')
    expect(problem.fields).toEqual({
      '/parameters/0/parameterTolerance': 'must not be negative',
      '/endDate': 'must be after startDate',
    })
  })

  it('names the prescriptions in the way', () => {
    expect(toProblem(409, { title: 'Overlap', conflictsWith: ['RX-DEV-P001', 7] }).conflictsWith).toEqual(['RX-DEV-P001'])
  })

  it('makes a sentence of answers that are not problem details', () => {
    expect(toProblem(502, '<html>Bad gateway</html>').message).toBe('The service does not answer (status 502).')
    expect(toProblem(418, null).message).toBe('The service answered with status 418.')
    expect(toProblem(500, undefined).fields).toEqual({})
  })
})

it('tells a missing answer from a refused one', () => {
  const problem = networkProblem(new TypeError('Failed to fetch'))
  expect(problem.status).toBe(0)
  expect(messageOf(problem)).toContain('Failed to fetch')
})
