/** A worker did not do what it was asked. */
export class WorkerError extends Error {
  /** `gone`: it ended. `silent`: no answer in time. `fault`: it says why, in the message. */
  readonly why: 'gone' | 'silent' | 'fault'

  constructor(why: 'gone' | 'silent' | 'fault', message: string) {
    super(message)
    this.name = 'WorkerError'
    this.why = why
  }
}
