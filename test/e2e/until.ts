// SPDX-License-Identifier: Apache-2.0

/** Waits until a condition holds; throws after ten seconds, naming it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`still not true: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
