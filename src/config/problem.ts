/** One thing that is wrong with a config file, at the place where a person would put the cursor. */
export interface Problem {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in characters. */
  readonly column: number
  readonly message: string
  /** The text of that line. */
  readonly source: string
}

/** Of problems and of warnings no more are collected: a wrong file has as many as lines, and they are all in the log. */
export const mostProblems = 100

/** `file:line:column: message`, then the line and a caret under the column. */
export const formatProblem = (problem: Problem): string => {
  const head = `${problem.file}:${problem.line}:${problem.column}: ${problem.message}`
  if (problem.source.trim() === '') return head
  const gutter = `${problem.line} | `
  const indent = ' '.repeat(gutter.length) + problem.source.slice(0, problem.column - 1).replace(/[^\t]/g, ' ')
  return `${head}\n  ${gutter}${problem.source}\n  ${indent}^`
}
