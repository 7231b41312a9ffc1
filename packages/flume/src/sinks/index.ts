// SPDX-License-Identifier: Apache-2.0
import { avroSink } from './avro-sink.ts'
import { elasticsearchSink } from './elasticsearch-sink.ts'
import { fileRollSink } from './file-roll-sink.ts'
import { hdfsSink } from './hdfs/hdfs-sink.ts'
import { httpSink } from './http-sink.ts'
import { jmsSink } from './jms-sink.ts'
import { kafkaSink } from './kafka-sink.ts'
import { loggerSink } from './logger-sink.ts'
import { nullSink } from './null-sink.ts'
import { s3Sink } from './s3/s3-sink.ts'
import { sqlSink } from './sql-sink.ts'
import { thriftSink } from './thrift-sink.ts'

export const sinks = [
  loggerSink,
  fileRollSink,
  nullSink,
  avroSink,
  thriftSink,
  kafkaSink,
  httpSink,
  jmsSink,
  hdfsSink,
  s3Sink,
  elasticsearchSink,
  sqlSink,
] as const
