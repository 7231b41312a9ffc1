// SPDX-License-Identifier: Apache-2.0

/** A letter and its other cases, as `java.lang.Character` maps single characters. */
interface Cased {
  readonly code: number
  readonly upper: number
  /** The lower case of the upper case. */
  readonly folded: number
}

const LAST_CASED = 0x1e943

let all: readonly Cased[] | undefined

function single(text: string, otherwise: number): number {
  const code = text.codePointAt(0) as number
  return text.length === (code > 0xffff ? 2 : 1) ? code : otherwise
}

function cased(code: number): Cased {
  const upper = single(String.fromCodePoint(code).toUpperCase(), code)
  const folded = single(String.fromCodePoint(upper).toLowerCase(), upper)
  return { code, upper, folded }
}

/** All letters with another case, computed on first use. */
function letters(): readonly Cased[] {
  if (all !== undefined) return all
  const found: Cased[] = []
  for (let code = 0; code <= LAST_CASED; code++) {
    if (code === 0xd800) code = 0xe000
    const each = cased(code)
    if (each.upper !== code || each.folded !== code) found.push(each)
  }
  all = found
  return all
}

/** The letters outside of a range that match it when case is ignored, with (?u). */
export function otherCases(from: number, to: number): number[] {
  const isIn = (code: number): boolean => code >= from && code <= to
  const own = from === to ? cased(from).folded : undefined
  return letters()
    .filter(({ code, upper, folded }) => {
      if (isIn(code)) return false
      return own === undefined ? isIn(upper) || isIn(folded) : folded === own
    })
    .map(({ code }) => code)
    .concat(own === undefined || own === from ? [] : [own])
}
