interface ProblemParts {
  status: number
  title: string
  detail: string
  requestId?: string
  fields?: Record<string, string>
  conflictsWith?: string[]
}

/** An answer of the service that is not a success, or no answer at all (`status` 0). */
export class ApiProblem extends Error {
  readonly status: number
  readonly title: string
  /** Finds the request in the service's log. */
  readonly requestId: string | undefined
  /** Texts by JSON pointer, for the form that sent the request: `/parameters/0/parameterTolerance`. */
  readonly fields: Record<string, string>
  /** For a 409: the prescriptions in the way. */
  readonly conflictsWith: string[]

  constructor(parts: ProblemParts) {
    super(parts.detail)
    this.name = 'ApiProblem'
    this.status = parts.status
    this.title = parts.title
    this.requestId = parts.requestId
    this.fields = parts.fields ?? {}
    this.conflictsWith = parts.conflictsWith ?? []
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** What a proxy says when nobody is behind it. */
const GATEWAY: ReadonlySet<number> = new Set([502, 503, 504])

/** Reads RFC 9457 problem details; anything else (a proxy's error page) becomes a sentence with the status. */
export function toProblem(status: number, body: unknown): ApiProblem {
  const problem = isRecord(body) ? body : {}
  const title = text(problem.title) ?? (GATEWAY.has(status) ? `The service does not answer (status ${status}).` : `The service answered with status ${status}.`)
  const fields: Record<string, string> = {}
  for (const entry of list(problem.errors)) {
    if (!isRecord(entry)) continue
    const pointer = text(entry.pointer)
    const detail = text(entry.detail)
    if (pointer && detail) fields[normalisePointer(pointer)] ??= detail
  }
  return new ApiProblem({
    status,
    title,
    detail: text(problem.detail) ?? title,
    requestId: text(problem.requestId),
    fields,
    conflictsWith: list(problem.conflictsWith).filter((id) => typeof id === 'string'),
  })
}

/** Pointers arrive as `/startDate`, as `#/startDate`, or in the snake_case spelling that requests also accept. */
export function normalisePointer(pointer: string): string {
  return pointer.replace(/^#/, '').replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

export function networkProblem(cause: unknown): ApiProblem {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ApiProblem({ status: 0, title: 'No connection', detail: `The service cannot be reached (${reason}).` })
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
