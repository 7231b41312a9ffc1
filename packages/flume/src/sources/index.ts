// SPDX-License-Identifier: Apache-2.0
import { avroSource } from './avro-source.ts'
import { execSource } from './exec-source.ts'
import { httpSource } from './http-source.ts'
import { jmsSource } from './jms-source.ts'
import { kafkaSource } from './kafka-source.ts'
import { netcatSource } from './netcat-source.ts'
import { netcatUdpSource } from './netcat-udp-source.ts'
import { scheduledSource } from './scheduled-source.ts'
import { seqSource } from './seq-source.ts'
import { spooldirSource } from './spooldir/spooldir-source.ts'
import { sqlSource } from './sql-source.ts'
import { stressSource } from './stress-source.ts'
import {
  multiportSyslogTcpSource,
  syslogTcpSource,
  syslogUdpSource,
} from './syslog/syslog-sources.ts'
import { taildirSource } from './taildir/taildir-source.ts'
import { thriftSource } from './thrift-source.ts'

export const sources = [
  avroSource,
  thriftSource,
  execSource,
  spooldirSource,
  taildirSource,
  netcatSource,
  netcatUdpSource,
  seqSource,
  syslogTcpSource,
  syslogUdpSource,
  multiportSyslogTcpSource,
  httpSource,
  jmsSource,
  kafkaSource,
  stressSource,
  sqlSource,
  scheduledSource,
] as const
