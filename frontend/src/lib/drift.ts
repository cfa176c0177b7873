import type { DriftEvent, DriftKey } from '@/api/types'

export const driftKey = (k: DriftKey): string => `${k.deviceId}|${k.metricName}|${k.ts}|${k.prescriptionId}`

export type DriftChange = { kind: 'drift'; verdict: DriftEvent } | { kind: 'cleared'; key: DriftKey }

/** The verdicts that stand, by key. */
export type Verdicts = Map<string, DriftEvent>

/** Applies one change in place and says whether anything is different now. */
export function applyChange(verdicts: Verdicts, change: DriftChange): boolean {
  if (change.kind === 'cleared') return verdicts.delete(driftKey(change.key))
  verdicts.set(driftKey(change.verdict), change.verdict)
  return true
}

/**
 * A snapshot read while the stream was already open, then everything the stream said since:
 * a change is never lost between the two, and applying one twice ends in the same state.
 */
export function fromSnapshot(snapshot: readonly DriftEvent[], since: readonly DriftChange[]): Verdicts {
  const verdicts: Verdicts = new Map(snapshot.map((v) => [driftKey(v), v]))
  for (const change of since) applyChange(verdicts, change)
  return verdicts
}

/** Newest story time first; one order for equal times, so that rows do not swap places. */
export function newestFirst(verdicts: Verdicts): DriftEvent[] {
  return [...verdicts.values()].sort((a, b) => b.ts - a.ts || (driftKey(a) < driftKey(b) ? -1 : 1))
}

/** Forgets the oldest beyond `cap`, so that a page left open for a week does not grow. */
export function trim(verdicts: Verdicts, cap: number): void {
  if (verdicts.size <= cap) return
  for (const old of newestFirst(verdicts).slice(cap)) verdicts.delete(driftKey(old))
}

export function countBy(verdicts: Iterable<DriftEvent>, field: 'deviceId' | 'metricName' | 'prescriptionId'): Map<string, number> {
  const counts = new Map<string, number>()
  for (const v of verdicts) counts.set(v[field], (counts.get(v[field]) ?? 0) + 1)
  return counts
}
