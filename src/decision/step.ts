/** One step of a decision, as `explain` prints it. */
export interface StepReport {
  readonly name: string
  readonly expected: string
  readonly found: string
  readonly ok: boolean
}

/** Called for every step in turn. The server passes none, and then nothing is composed. */
export type Step = (report: StepReport) => void
