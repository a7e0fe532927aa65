import { checkIndicator, indicatorWarnings, isHttpIndicator } from '../decision/indicator.ts'
import { isMetadataPath } from '../decision/match.ts'
import { parsePlace } from '../decision/place.ts'
import type { PathPolicy, Place } from '../decision/resource.ts'
import type { EntryInput } from './entry-schema.ts'
import type { Report } from './report.ts'
import type { Path } from './tree.ts'

/** Judges the indicator and finds the place where the resource answers; undefined when there is none. */
export const readPlace = (
  entry: EntryInput,
  at: Path,
  indicatorAt: Path,
  paths: PathPolicy,
  report: Report,
): Place | undefined => {
  const fault = checkIndicator(entry.resource)
  if (fault !== undefined) report.problem(indicatorAt, fault)
  // The place follows from the indicator, unless `at` moves it.
  if (fault !== undefined && entry.at === undefined) return undefined
  const place = findPlace(entry, at, indicatorAt, paths, report)
  if (fault !== undefined || !place) return undefined
  for (const warning of indicatorWarnings(entry.resource)) {
    const hidden = report.isExpanded(indicatorAt)
      ? warning.replace(/`[^`]*:[^`]*`/, 'with or without the slash it')
      : warning
    report.warn(indicatorAt, hidden)
  }
  if (entry.resource.includes('*')) {
    report.warn(indicatorAt, '`*` in a resource indicator is an ordinary character: there are no wildcards')
  }
  return place
}

const findPlace = (
  entry: EntryInput,
  at: Path,
  indicatorAt: Path,
  paths: PathPolicy,
  report: Report,
): Place | undefined => {
  if (entry.at === undefined && !isHttpIndicator(entry.resource)) {
    if (!report.has([...at, 'at'])) {
      report.problem(indicatorAt, 'this indicator is no http(s) URL: `at` must say where clients reach the resource')
    }
    return undefined
  }
  const from = entry.at === undefined ? indicatorAt : [...at, 'at']
  const parsed = parsePlace(entry.at ?? entry.resource, paths)
  if (!parsed.ok) {
    // The fault may quote the host, and with it a password or the environment.
    report.problem(from, parsed.fault.startsWith('`') ? 'this names no host that a request can name' : parsed.fault)
    return undefined
  }
  if (entry.at?.includes('?')) report.problem(from, '`at` must not have a query: only host and path choose a resource')
  if (isMetadataPath(parsed.place.path)) {
    report.problem(from, '`/.well-known/oauth-protected-resource` belongs to the gateway itself (RFC 9728)')
  }
  return parsed.place
}
