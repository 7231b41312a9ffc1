// SPDX-License-Identifier: Apache-2.0
// The thread that evaluates large schemas, see `EvaluationThread`. It does nothing in another one.
import { parentPort } from 'node:worker_threads'
import { schemaFormats } from '../schema-formats.ts'
import { type EvaluationTask, TaskEvaluator } from './evaluation-task.ts'

const evaluator = new TaskEvaluator(Object.values(schemaFormats))

parentPort?.on('message', (task: EvaluationTask) => {
  parentPort?.postMessage(evaluator.evaluate(task))
})
