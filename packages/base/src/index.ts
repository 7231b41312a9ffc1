// SPDX-License-Identifier: Apache-2.0
import './required-node.ts'

export { passAdmission } from './admission.ts'
export { bearerToken } from './bearer-token.ts'
export type { EncodingBuffer } from './buffer-encoders.ts'
export { ByteReader, MalformedInputError } from './byte-reader.ts'
export { type ByteSource, ByteWriter } from './byte-writer.ts'
export { elementAt, entryOf } from './element-at.ts'
export {
  assertNever,
  isSystemError,
  MillraceError,
  type MillraceErrorOptions,
  systemErrorCode,
} from './errors.ts'
export {
  type DirectoryEntry,
  type FileLock,
  type FileSystem,
  makeDirectoryDurably,
  type OpenFile,
  writeFileAtomically,
} from './file-system.ts'
export { attempt, guard, guardedClock } from './isolation.ts'
export { type JaasEntry, parseJaas } from './jaas.ts'
export { listenError } from './listen-error.ts'
export { createLogger, type LogFields, type Logger, LogLevel, silentLogger } from './logger.ts'
export { hostOfHeader, isLoopback } from './loopback.ts'
export { connectionPair, MemoryNetwork, noTls } from './memory-network.ts'
export { nearestSpelling } from './nearest.ts'
export type {
  ClientNetwork,
  Connection,
  ConnectOptions,
  ListenOptions,
  Network,
  NetworkListener,
} from './network.ts'
export {
  configProviderClasses,
  isProviderKey,
  isReadableByOthers,
  referenceResolver,
  resolveReferences,
} from './node-config-providers.ts'
export { EarlyListener, type EarlyListenerOptions } from './node-early-listener.ts'
export { ArrivingBodies, type ArrivingBodyHandle } from './node-http-bodies.ts'
export {
  type HttpCredentials,
  HttpGuard,
  type HttpRefusal,
  readCredentials,
  refuse,
} from './node-http-guard.ts'
export { decodePath, type HttpTarget, httpTarget, readBody } from './node-http-request.ts'
export { HttpServer, type HttpServerOptions } from './node-http-server.ts'
export { inTurn, type ServeRequest } from './node-http-turns.ts'
export { nodeWorld } from './node-world.ts'
export { type PropertyLine, parseProperties, parsePropertyLines } from './properties-file.ts'
export { httpRefusal, PROTOCOL_START_BYTES, type ProtocolName, protocolOf } from './protocol-of.ts'
export {
  ScramClient,
  type ScramCredential,
  type ScramDigest,
  ScramServer,
  scramCredential,
  scramSalt,
} from './scram.ts'
export { openSslCipherName, tlsVersions } from './tls-names.ts'
export { type WorkTurn, WorkTurns, workTurnsOf } from './work-turns.ts'
export type { Clock, Random, Timer, World } from './world.ts'
