import type { Resource } from '../decision/resource.ts'
import type { EntryInput } from './entry-schema.ts'
import type { Report } from './report.ts'
import type { Path } from './tree.ts'

/** One compiled resource, and where it is written. */
interface Entry {
  readonly resource: Resource
  readonly entry: EntryInput
  readonly at: Path
  readonly indicatorAt: Path
}

/** Rules between resources: names, audiences and indicators must not be taken for each other's. */
export const checkTogether = (found: readonly Entry[], report: Report): void => {
  const names = new Map<string, Entry>()
  const indicators = new Map<string, Entry>()
  const aliases = new Map<string, Entry>()
  for (const one of found) {
    const { resource, entry, at, indicatorAt } = one
    const taken = names.get(resource.name)
    if (taken) {
      const place = entry.name === undefined ? indicatorAt : [...at, 'name']
      report.problem(
        place,
        `the resource in line ${report.line(taken.indicatorAt)} has the same name: set another \`name\``,
      )
    } else names.set(resource.name, one)
    const twin = indicators.get(resource.indicator)
    // RT-8: which policy a token for this audience meets must not depend on the path it is sent to.
    if (twin && policyOf(twin) !== policyOf(one)) {
      report.problem(
        indicatorAt,
        `the same resource is in line ${report.line(twin.indicatorAt)} with other \`issuers\` or \`accept_audiences\``,
      )
    }
    if (!twin) indicators.set(resource.indicator, one)
  }
  for (const one of found) {
    for (const [index, audience] of one.entry.accept_audiences.entries()) {
      const place = [...one.at, 'accept_audiences', index]
      const owner = indicators.get(audience)
      const other = aliases.get(audience)
      if (owner && owner.resource.indicator !== one.resource.indicator) {
        report.problem(
          place,
          `this is the resource in line ${report.line(owner.indicatorAt)}: its tokens would be accepted here too`,
        )
      } else if (other && other.resource.indicator !== one.resource.indicator) {
        report.warn(place, `the resource in line ${report.line(other.indicatorAt)} accepts this audience too`)
      }
      if (!other) aliases.set(audience, one)
    }
  }
}

const policyOf = ({ resource }: Entry): string =>
  JSON.stringify([resource.audiences.toSorted(), resource.issuers.toSorted()])
