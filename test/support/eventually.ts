/** Resolves as soon as the condition holds; rejects with `what` when it does not within `withinMs`. */
export const eventually = async (
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 5000,
): Promise<void> => {
  const end = performance.now() + withinMs
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`it never came true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
