// SPDX-License-Identifier: Apache-2.0

/**
 * Waits until a condition holds; throws after ten seconds, or the given time, with its description.
 */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`still not true: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/**
 * Retries a check until it passes, up to ten seconds: the brokers of a cluster learn of a change
 * one after another.
 */
export async function eventually(check: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + 10_000
  for (;;) {
    try {
      await check()
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
