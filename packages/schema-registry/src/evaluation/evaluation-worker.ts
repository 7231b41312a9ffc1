// SPDX-License-Identifier: Apache-2.0
// The thread that evaluates large schemas, see `EvaluationThread`. It does nothing in another one.
import { parentPort } from 'node:worker_threads'
import { avroFormat } from '../avro/format.ts'
import { jsonSchemaFormat } from '../json-schema/json-schema.ts'
import { protobufFormat } from '../protobuf/protobuf-schema.ts'
import { type EvaluationTask, TaskEvaluator } from './evaluation-task.ts'

const evaluator = new TaskEvaluator([jsonSchemaFormat, protobufFormat, avroFormat])

parentPort?.on('message', (task: EvaluationTask) => {
  parentPort?.postMessage(evaluator.evaluate(task))
})
