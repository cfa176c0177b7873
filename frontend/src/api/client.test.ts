// @vitest-environment happy-dom
import { expect, it } from 'vitest'
import { baseUrl, docsUrl, unwrap } from './client'
import { ApiProblem } from './problem'

it('uses the proxy unless another service is named', () => {
  expect(baseUrl(undefined)).toBe('/api')
  expect(baseUrl('  ')).toBe('/api')
  expect(baseUrl('http://127.0.0.1:9000/')).toBe('http://127.0.0.1:9000')
})

it('unwraps data and throws problems', async () => {
  const ok = new Response(null, { status: 200 })
  await expect(unwrap(Promise.resolve({ data: [1], response: ok }))).resolves.toEqual([1])

  const stale = new Response(null, { status: 412 })
  const refused = unwrap(Promise.resolve({ error: { title: 'Stale', detail: 'Changed since.' }, response: stale }))
  await expect(refused).rejects.toMatchObject({ status: 412, message: 'Changed since.' })

  await expect(unwrap(Promise.reject(new TypeError('Failed to fetch')))).rejects.toBeInstanceOf(ApiProblem)
})

it('finds the API reference at the service itself', () => {
  expect(docsUrl('/api', { protocol: 'http:', hostname: 'localhost' })).toMatch(/^http:\/\/localhost:\d+\/docs\/$/)
  expect(docsUrl('https://api.example.org')).toBe('https://api.example.org/docs/')
})
