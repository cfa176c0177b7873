import createClient from 'openapi-fetch'
import { networkProblem, toProblem } from './problem'
import type { paths } from './schema.gen'

/** `/api` goes through the proxy of the server that delivered the page; VITE_API_URL names another service. */
export function baseUrl(configured: string | undefined = import.meta.env.VITE_API_URL): string {
  const url = (configured ?? '').trim().replace(/\/+$/, '')
  return url === '' ? '/api' : url
}

// A request needs an absolute address outside browsers, and a relative base is resolved against the page.
const absolute = new URL(baseUrl(), window.location.origin).href.replace(/\/+$/, '')

export const api = createClient<paths>({ baseUrl: absolute })

/**
 * The service's own pages want to be at the root of their address ("Try it out" sends requests there),
 * so behind the proxy they are visited at the service's port.
 */
export function docsUrl(base = baseUrl(), page: Pick<Location, 'protocol' | 'hostname'> = window.location): string {
  return `${base === '/api' ? `${page.protocol}//${page.hostname}:${import.meta.env.VITE_API_PORT}` : base}/docs/`
}

export const streamUrl = (path: string): string => `${baseUrl()}${path}`

interface Answer<T> {
  data?: T
  error?: unknown
  response: Response
}

/** The data of a successful answer; everything else is thrown as an ApiProblem. */
export async function unwrap<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>
  try {
    answer = await call
  } catch (cause) {
    throw networkProblem(cause)
  }
  if (!answer.response.ok) throw toProblem(answer.response.status, answer.error)
  return answer.data as T
}
