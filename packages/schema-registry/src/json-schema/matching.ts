// SPDX-License-Identifier: Apache-2.0

/**
 * A largest set of pairs in which each left and each right vertex occurs at most once
 * (Hopcroft and Karp, 1973). `neighbours` lists the right vertices of each left vertex.
 * Returns the right vertex of each left vertex that has one. Time: edges × √vertices.
 */
export function maximumMatching(
  neighbours: readonly (readonly number[])[],
  rightCount: number,
): ReadonlyMap<number, number> {
  const partnerOfLeft = new Int32Array(neighbours.length).fill(-1)
  const partnerOfRight = new Int32Array(rightCount).fill(-1)
  for (;;) {
    const level = levels(neighbours, partnerOfLeft, partnerOfRight)
    if (level === undefined) break
    const cursor = new Int32Array(neighbours.length)
    for (const [left, partner] of partnerOfLeft.entries()) {
      if (partner < 0) augment(left, { neighbours, partnerOfLeft, partnerOfRight, level, cursor })
    }
  }
  const pairs = new Map<number, number>()
  for (const [left, right] of partnerOfLeft.entries()) if (right >= 0) pairs.set(left, right)
  return pairs
}

/** Length of the shortest alternating path to each left vertex; undefined if none can grow. */
function levels(
  neighbours: readonly (readonly number[])[],
  partnerOfLeft: Int32Array,
  partnerOfRight: Int32Array,
): Int32Array | undefined {
  const level = new Int32Array(neighbours.length).fill(-1)
  const queue: number[] = []
  for (const [left, partner] of partnerOfLeft.entries()) {
    if (partner >= 0) continue
    level[left] = 0
    queue.push(left)
  }
  let isFound = false
  for (const left of queue) {
    for (const right of neighbours[left] ?? []) {
      const next = partnerOfRight[right] ?? -1
      if (next < 0) {
        isFound = true
      } else if (level[next] === -1) {
        level[next] = (level[left] ?? 0) + 1
        queue.push(next)
      }
    }
  }
  return isFound ? level : undefined
}

interface Augmentation {
  readonly neighbours: readonly (readonly number[])[]
  readonly partnerOfLeft: Int32Array
  readonly partnerOfRight: Int32Array
  readonly level: Int32Array
  /** Next neighbour of each left vertex that has not been tried. */
  readonly cursor: Int32Array
}

function augment(left: number, state: Augmentation): boolean {
  const { neighbours, partnerOfLeft, partnerOfRight, level, cursor } = state
  const candidates = neighbours[left] ?? []
  for (let index = cursor[left] ?? 0; index < candidates.length; index += 1) {
    cursor[left] = index + 1
    const right = candidates[index] ?? 0
    const next = partnerOfRight[right] ?? -1
    const isNextLevel = next >= 0 && level[next] === (level[left] ?? 0) + 1
    if (next < 0 || (isNextLevel && augment(next, state))) {
      partnerOfLeft[left] = right
      partnerOfRight[right] = left
      return true
    }
  }
  return false
}
