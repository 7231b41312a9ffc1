// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Selector } from '../selector/selector.ts'
import { type ConsumerState, Consumers } from './consumers.ts'
import { PartitionIndex } from './partition-index.ts'
import { SelectorResult } from './selector-memo.ts'
import { KEPT_MEMOS, SelectorMemos } from './selector-memos.ts'
import type { SubscriptionConsumer } from './subscription-host.ts'

interface Named extends SubscriptionConsumer {
  readonly name: string
}

/** A consumer: lower case without credit, `!` exclusive, `?` a browser. */
function consumer(text: string): Named {
  const name = text.replace(/[!?]/, '')
  return {
    name,
    selector: undefined,
    isBrowser: text.includes('?'),
    isExclusive: text.includes('!'),
    canReceive: name === name.toUpperCase(),
    isDraining: false,
    room: 2,
    take() {},
    onDrained() {},
    end() {},
  }
}

function consumers(...names: readonly string[]): {
  readonly all: Consumers
  state(name: string): ConsumerState
} {
  const all = new Consumers()
  for (const name of names) all.add(consumer(name))
  const state = (name: string): ConsumerState =>
    all.all.find(({ consumer: each }) => (each as Named).name === name) as ConsumerState
  return { all, state }
}

const namesOf = (states: readonly ConsumerState[]): string =>
  states.map(({ consumer: each }) => (each as Named).name).join('')

const inTurn = (all: Consumers): ConsumerState[] =>
  Array.from({ length: all.count }, (_, i) => all.inTurn(i) as ConsumerState)

/** A consumer receives a message. */
function serve(all: Consumers, name: string): void {
  all.served(inTurn(all).findIndex(({ consumer: each }) => (each as Named).name === name))
}

describe('turns of the consumers', () => {
  const rows: readonly (readonly [names: readonly string[], served: string, order: string])[] = [
    [[], '', ''],
    [['A', 'B', 'C'], '', 'ABC'],
    [['A', 'B', 'C'], 'A', 'BCA'],
    [['A', 'B', 'C'], 'B', 'CAB'],
    [['A', 'B', 'C'], 'C', 'ABC'],
    [['A', 'B', 'C'], 'AC', 'ABC'],
    [['A', 'B?', 'C'], 'A', 'CA'],
    [['A'], 'A', 'A'],
  ]
  for (const [names, served, order] of rows) {
    it(`of ${names.join('') || 'none'} after ${served || 'nothing'} are ${order}`, () => {
      const { all } = consumers(...names)
      for (const name of served) serve(all, name)
      assert.equal(namesOf(inTurn(all)), order)
    })
  }

  it('continue when a consumer has closed', () => {
    const { all, state } = consumers('A', 'B', 'C')
    serve(all, 'B')
    all.remove(state('C').consumer)
    assert.equal(namesOf(inTurn(all)), 'AB')
    serve(all, 'A')
    all.remove(state('A').consumer)
    assert.equal(namesOf(inTurn(all)), 'B')
    all.remove(state('B').consumer)
    all.served(0)
    assert.deepEqual([all.inTurn(0), all.count], [undefined, 0])
    for (const name of ['D', 'E']) all.add(consumer(name))
    serve(all, 'D')
    all.remove(state('E').consumer)
    serve(all, 'D')
    all.add(consumer('F'))
    assert.equal(namesOf(inTurn(all)), 'DF')
  })
})

describe('a consumer that may receive', () => {
  const rows: readonly (readonly [
    what: string,
    names: readonly string[],
    isExclusiveQueue: boolean,
    may: string,
  ])[] = [
    ['has credit', ['A', 'b', 'C'], false, 'AC'],
    ['is the first of an exclusive queue', ['A', 'B'], true, 'A'],
    ['is the first of an exclusive queue even without credit', ['a', 'B'], true, ''],
    ['is the first exclusive one', ['A', 'B!', 'C!'], false, 'B'],
    ['is the first exclusive one even without credit', ['A', 'b!', 'C!'], false, ''],
    ['is the first of an exclusive queue, not the exclusive one', ['A', 'B!'], true, 'A'],
  ]
  for (const [what, names, isExclusiveQueue, may] of rows) {
    it(what, () => {
      const { all } = consumers(...names)
      const found = inTurn(all).filter((state) => all.mayReceive(state, isExclusiveQueue))
      assert.equal(namesOf(found), may)
    })
  }

  /** Room of the consumer, messages that are counted before they are sent, and whether it may. */
  for (const [room, unsent, may] of [
    [2, 0, true],
    [2, 1, true],
    [2, 2, false],
    [2, 3, false],
    [1, 1, false],
    [0, 0, true],
  ] as const) {
    it(`has room ${room} with ${unsent} unsent: ${may}`, () => {
      const all = new Consumers()
      all.add({ ...consumer('A'), room })
      const state = all.inTurn(0) as ConsumerState
      assert.equal(state.unsent, 0)
      state.unsent = unsent
      assert.equal(all.mayReceive(state, false), may)
    })
  }
})

describe('a message group', () => {
  it('belongs to the consumer of its first message, until that closes', () => {
    const { all, state } = consumers('A', 'B')
    const [a, b] = [state('A'), state('B')]
    assert.equal(all.hasGroups, false)
    all.noteGroups()
    assert.ok(all.hasGroups && all.mayHave('g', a) && all.mayHave('g', b))
    all.assign('g', a)
    assert.deepEqual(
      [all.mayHave('g', a), all.mayHave('g', b), all.mayHave('h', b), all.mayHave(undefined, b)],
      [true, false, true, true],
    )
    all.remove(a.consumer)
    assert.equal(all.mayHave('g', b), true)
    assert.deepEqual(
      [all.includes(a), all.find(a.consumer), all.find(b.consumer)],
      [false, undefined, b],
    )
  })

  it('is forgotten with the log', () => {
    const { all, state } = consumers('A', 'B')
    all.noteGroups()
    all.assign('g', state('A'))
    state('B').refused.add('0/1')
    all.reset()
    assert.deepEqual([all.hasGroups, all.mayHave('g', state('B'))], [false, true])
    assert.equal(state('B').refused.size, 0)
  })
})

describe('the cursor of a consumer', () => {
  const index = new PartitionIndex(0, 0)
  const other = new PartitionIndex(1, 0)

  it('goes back to a message that is available again, also that of a browser', () => {
    const { all, state } = consumers('A', 'B?', 'C')
    all.cursorOf(state('A'), index).fill(10)
    all.cursorOf(state('A'), other).fill(10)
    all.cursorOf(state('B'), index).fill(3)
    all.goBackTo(index, 5)
    assert.deepEqual(
      [
        all.cursorOf(state('A'), index)[4],
        all.cursorOf(state('A'), index)[0],
        all.cursorOf(state('A'), index)[9],
        all.cursorOf(state('A'), other)[4],
        all.cursorOf(state('B'), index)[4],
        all.cursorOf(state('C'), index)[4],
      ],
      [5, 5, 5, 10, 3, 0],
    )
  })

  for (const [hasGroups, expected] of [
    [true, 0],
    [false, 10],
  ] as const) {
    it(`is ${expected} after another consumer has closed, ${hasGroups ? 'with' : 'without'} groups`, () => {
      const { all, state } = consumers('A', 'B')
      if (hasGroups) all.noteGroups()
      all.cursorOf(state('B'), index).fill(10)
      all.remove(state('A').consumer)
      assert.equal(all.cursorOf(state('B'), index)[4], expected)
    })
  }
})

describe('the selector of a consumer', () => {
  const selective = (): Named => ({ ...consumer('A'), selector: Selector.compile('a = 1') })

  it('has its results until the consumer closes', () => {
    const all = new Consumers()
    const [first, second] = [selective(), selective()]
    for (const each of [first, second]) all.add(each)
    const { memo } = all.find(first) as ConsumerState
    assert.equal(memo?.users, 2)
    all.remove(first)
    assert.equal(memo?.users, 1)
  })

  it('has no results and no cursor of a log that was deleted', () => {
    const all = new Consumers()
    const first = selective()
    all.add(first)
    const state = all.find(first) as ConsumerState
    const index = new PartitionIndex(0, 0)
    all.cursorOf(state, index).fill(7)
    state.memo?.evaluateAt(0, 5, { valueOf: () => 1n })
    all.reset()
    assert.equal(all.cursorOf(state, index)[4], 0)
    assert.equal(state.memo?.resultOf(0, 5), SelectorResult.unknown)
  })
})

describe('selector results', () => {
  const selector = (text: string): Selector => Selector.compile(text) as Selector
  const values = { valueOf: () => 1n }

  it('are shared by consumers with the same selector', () => {
    const memos = new SelectorMemos()
    const memo = memos.use(selector('a = 1'))
    assert.equal(memos.use(selector('a = 1')), memo)
    assert.notEqual(memos.use(selector('a = 2')), memo)
    assert.deepEqual([memo.users, memos.size], [2, 2])
  })

  it('are kept for the next consumer, of 16 selectors', () => {
    const memos = new SelectorMemos()
    const first = memos.use(selector('a = 0'))
    memos.release(first)
    for (let i = 1; i < KEPT_MEMOS; i++) memos.release(memos.use(selector(`a = ${i}`)))
    assert.equal(memos.size, KEPT_MEMOS)
    memos.use(selector('b = 1'))
    assert.equal(memos.size, KEPT_MEMOS)
    assert.notEqual(memos.use(selector('a = 0')), first)
  })

  it('are not dropped while they are in use, however many', () => {
    const memos = new SelectorMemos()
    const all = Array.from({ length: KEPT_MEMOS + 2 }, (_, i) => memos.use(selector(`a = ${i}`)))
    assert.equal(memos.size, KEPT_MEMOS + 2)
    assert.equal(memos.use(selector('a = 0')), all[0])
  })

  it('are dropped with the log, and unused ones altogether', () => {
    const memos = new SelectorMemos()
    const used = memos.use(selector('a = 1'))
    memos.release(memos.use(selector('a = 2')))
    assert.equal(used.evaluateAt(0, 5, values), SelectorResult.yes)
    memos.reset()
    assert.deepEqual([memos.size, used.resultOf(0, 5)], [1, SelectorResult.unknown])
  })

  it('are dropped below the floor, in whole chunks', () => {
    const memos = new SelectorMemos()
    const memo = memos.use(selector('a = 1'))
    for (const offset of [0, 1023, 1024]) memo.evaluateAt(0, offset, values)
    memos.forget(0, 1023)
    assert.equal(memo.resultOf(0, 0), SelectorResult.yes)
    memos.forget(0, 1024)
    assert.deepEqual(
      [memo.resultOf(0, 1023), memo.resultOf(0, 1024), memo.resultOf(1, 0)],
      [SelectorResult.unknown, SelectorResult.yes, SelectorResult.unknown],
    )
  })
})
