// SPDX-License-Identifier: Apache-2.0
// Valid configurations of the kinds that Flume users write.

/** A configuration of agent a1. */
export interface Sample {
  readonly name: string
  readonly lines: readonly string[]
  /** The lines that distinguish it from the other samples. */
  readonly own: RegExp
}

const channel = ['type = memory', 'capacity = 10000', 'transactionCapacity = 1000']

function lines(prefix: string, entries: readonly string[]): string[] {
  return entries.map((entry) => `${prefix}.${entry}`)
}

function agent(parts: {
  readonly source?: readonly string[]
  readonly channel?: readonly string[]
  readonly sink?: readonly string[]
  readonly more?: readonly string[]
}): string[] {
  return [
    'a1.channels = c1',
    ...lines('a1.channels.c1', parts.channel ?? channel),
    'a1.sources = r1',
    ...lines('a1.sources.r1', parts.source ?? ['type = seq']),
    'a1.sources.r1.channels = c1',
    'a1.sinks = k1',
    ...lines('a1.sinks.k1', parts.sink ?? ['type = null']),
    'a1.sinks.k1.channel = c1',
    ...(parts.more ?? []),
  ]
}

const sources: Readonly<Record<string, readonly string[]>> = {
  avro: [
    'type = avro',
    'bind = 0.0.0.0',
    'port = 4141',
    'threads = 4',
    'compression-type = deflate',
    'ipFilter = true',
    'ipFilterRules = allow:ip:127.*,deny:ip:*',
  ],
  thrift: ['type = thrift', 'bind = 127.0.0.1', 'port = 4142', 'threads = 2', 'protocol = binary'],
  exec: [
    'type = exec',
    'command = tail -F /var/log/messages',
    'shell = /bin/bash -c',
    'restart = true',
    'restartThrottle = 1000',
    'logStdErr = true',
    'batchSize = 50',
    'batchTimeout = 2000',
    'charset = UTF-8',
  ],
  spooldir: [
    'type = spooldir',
    'spoolDir = /tmp/spool',
    'fileSuffix = .DONE',
    'deletePolicy = immediate',
    'fileHeader = true',
    'fileHeaderKey = path',
    'includePattern = ^.*\\\\.log$',
    'ignorePattern = ^\\\\..*$',
    'consumeOrder = youngest',
    'batchSize = 10',
    'inputCharset = UTF-8',
    'decodeErrorPolicy = REPLACE',
    'deserializer = LINE',
    'deserializer.maxLineLength = 100',
    'maxBackoff = 1000',
    'pollDelay = 100',
    'recursiveDirectorySearch = true',
  ],
  taildir: [
    'type = TAILDIR',
    'filegroups = f1 f2',
    'filegroups.f1 = /tmp/tail/app.log',
    'filegroups.f2 = /tmp/tail/.*log.*',
    'headers.f1.kind = app',
    'positionFile = /tmp/tail/position.json',
    'batchSize = 20',
    'idleTimeout = 1000',
    'writePosInterval = 500',
    'maxBatchCount = 1000',
    'byteOffsetHeader = true',
    'skipToEnd = false',
    'cachePatternMatching = true',
    'fileHeader = true',
  ],
  netcat: [
    'type = netcat',
    'bind = 127.0.0.1',
    'port = 6666',
    'max-line-length = 1000',
    'ack-every-event = false',
    'encoding = utf-8',
  ],
  netcatudp: ['type = netcatudp', 'bind = 127.0.0.1', 'port = 6667', 'remoteAddressHeader = from'],
  seq: ['type = seq', 'batchSize = 5', 'totalEvents = 100'],
  stress: [
    'type = org.apache.flume.source.StressSource',
    'size = 100',
    'maxTotalEvents = 1000',
    'maxSuccessfulEvents = 1000',
    'batchSize = 10',
    'maxEventsPerSecond = 100',
  ],
  syslogtcp: [
    'type = syslogtcp',
    'host = localhost',
    'port = 5140',
    'eventSize = 3000',
    'keepFields = timestamp hostname',
    'clientIPHeader = ip',
  ],
  syslogudp: ['type = syslogudp', 'host = localhost', 'port = 5140', 'keepFields = all'],
  multiport: [
    'type = multiport_syslogtcp',
    'host = 0.0.0.0',
    'ports = 10001 10002',
    'portHeader = port',
    'eventSize = 3000',
    'batchSize = 50',
    'readBufferSize = 2048',
    'numProcessors = 2',
    'charset.default = UTF-8',
    'charset.port.10001 = ISO-8859-1',
  ],
  http: [
    'type = http',
    'bind = 127.0.0.1',
    'port = 8081',
    'handler = org.apache.flume.source.http.JSONHandler',
    'QueuedThreadPool.maxThreads = 10',
  ],
  kafka: [
    'type = org.apache.flume.source.kafka.KafkaSource',
    'kafka.bootstrap.servers = localhost:9092',
    'kafka.topics = test1, test2',
    'kafka.consumer.group.id = custom.g.id',
    'batchSize = 500',
    'batchDurationMillis = 2000',
    'useFlumeEventFormat = true',
    'setTopicHeader = true',
    'topicHeader = from',
    'backoffSleepIncrement = 500',
    'maxBackoffSleep = 3000',
    'kafka.consumer.auto.offset.reset = earliest',
    'header.NAME1 = key1',
  ],
  kafkaRegex: [
    'type = org.apache.flume.source.kafka.KafkaSource',
    'kafka.bootstrap.servers = localhost:9092',
    'kafka.topics.regex = ^topic[0-9]$',
  ],
}

const channels: Readonly<Record<string, readonly string[]>> = {
  memory: [
    'type = memory',
    'capacity = 10000',
    'transactionCapacity = 1000',
    'byteCapacityBufferPercentage = 20',
    'byteCapacity = 800000',
    'keep-alive = 5',
  ],
  file: [
    'type = file',
    'checkpointDir = /tmp/flume/checkpoint',
    'dataDirs = /tmp/flume/data',
    'capacity = 1000000',
    'transactionCapacity = 10000',
    'checkpointInterval = 10000',
    'maxFileSize = 146435071',
    'minimumRequiredSpace = 1048576',
    'keep-alive = 3',
    'use-log-replay-v1 = false',
    'use-fast-replay = false',
    'checkpointOnClose = true',
    'fsyncPerTransaction = true',
    'useDualCheckpoints = true',
    'backupCheckpointDir = /tmp/flume/backup',
  ],
  spillable: [
    'type = SPILLABLEMEMORY',
    'memoryCapacity = 10000',
    'overflowCapacity = 1000000',
    'overflowTimeout = 3',
    'byteCapacity = 800000',
    'avgEventSize = 500',
    'checkpointDir = /tmp/flume/spill-checkpoint',
    'dataDirs = /tmp/flume/spill-data',
  ],
  kafka: [
    'type = org.apache.flume.channel.kafka.KafkaChannel',
    'kafka.bootstrap.servers = localhost:9092',
    'kafka.topic = channel1',
    'kafka.consumer.group.id = flume-consumer',
    'parseAsFlumeEvent = false',
    'pollTimeout = 500',
    'transactionCapacity = 10',
    'kafka.consumer.auto.offset.reset = latest',
    'kafka.producer.acks = all',
  ],
  pseudo: [
    'type = org.apache.flume.channel.PseudoTxnMemoryChannel',
    'capacity = 50',
    'keep-alive = 3',
  ],
}

const sinks: Readonly<Record<string, readonly string[]>> = {
  logger: ['type = logger', 'maxBytesToLog = 100'],
  null: ['type = null', 'batchSize = 10'],
  fileRoll: [
    'type = file_roll',
    'sink.directory = /tmp/out',
    'sink.rollInterval = 60',
    'sink.batchSize = 50',
    'sink.serializer = HEADER_AND_TEXT',
    'sink.serializer.appendNewline = false',
    'sink.pathManager = DEFAULT',
    'sink.pathManager.extension = log',
    'sink.pathManager.prefix = app-',
  ],
  avro: [
    'type = avro',
    'hostname = 10.10.10.10',
    'port = 4545',
    'batch-size = 50',
    'connect-timeout = 1000',
    'request-timeout = 1000',
    'reset-connection-interval = 60',
    'compression-type = deflate',
    'compression-level = 6',
    'maxIoWorkers = 2',
  ],
  thrift: ['type = thrift', 'hostname = 10.10.10.10', 'port = 4545', 'batch-size = 50'],
  kafka: [
    'type = org.apache.flume.sink.kafka.KafkaSink',
    'kafka.bootstrap.servers = localhost:9092',
    'kafka.topic = mytopic',
    'kafka.flumeBatchSize = 20',
    'kafka.producer.acks = 1',
    'kafka.producer.linger.ms = 1',
    'kafka.producer.compression.type = snappy',
    'useFlumeEventFormat = true',
    'defaultPartitionId = 0',
    'partitionIdHeader = partition',
    'allowTopicOverride = false',
    'topicHeader = to',
  ],
  kafkaBatch: [
    'type = org.apache.flume.sink.kafka.KafkaSink',
    'kafka.bootstrap.servers = localhost:9092',
    'flumeBatchSize = 20',
  ],
  http: [
    'type = http',
    'endpoint = http://localhost:8080/someuri',
    'connectTimeout = 2000',
    'requestTimeout = 2000',
    'acceptHeader = application/json',
    'contentTypeHeader = application/json',
    'defaultBackoff = true',
    'defaultRollback = true',
    'defaultIncrementMetrics = false',
    'backoff.4XX = false',
    'rollback.4XX = false',
    'incrementMetrics.4XX = true',
    'backoff.200 = false',
  ],
  hdfs: [
    'type = hdfs',
    'hdfs.path = /flume/events/%y-%m-%d/%H%M/%S',
    'hdfs.filePrefix = events-',
    'hdfs.fileSuffix = .log',
    'hdfs.inUsePrefix = _',
    'hdfs.inUseSuffix = .tmp',
    'hdfs.rollInterval = 60',
    'hdfs.rollSize = 1048576',
    'hdfs.rollCount = 0',
    'hdfs.idleTimeout = 60',
    'hdfs.batchSize = 100',
    'hdfs.fileType = DataStream',
    'hdfs.writeFormat = Text',
    'hdfs.maxOpenFiles = 100',
    'hdfs.minBlockReplicas = 1',
    'hdfs.callTimeout = 10000',
    'hdfs.threadsPoolSize = 10',
    'hdfs.rollTimerPoolSize = 1',
    'hdfs.round = true',
    'hdfs.roundValue = 10',
    'hdfs.roundUnit = minute',
    'hdfs.timeZone = UTC',
    'hdfs.useLocalTimeStamp = true',
    'hdfs.closeTries = 0',
    'hdfs.retryInterval = 180',
    'serializer = TEXT',
  ],
  hdfsCompressed: [
    'type = hdfs',
    'hdfs.path = hdfs://namenode/flume/webdata/',
    'hdfs.fileType = CompressedStream',
    'hdfs.codeC = gzip',
  ],
}

const interceptors: Readonly<Record<string, readonly string[]>> = {
  timestamp: ['type = timestamp', 'headerName = time', 'preserveExisting = true'],
  host: ['type = host', 'hostHeader = hostname', 'useIP = false', 'preserveExisting = true'],
  static: ['type = static', 'key = datacenter', 'value = NEW_YORK', 'preserveExisting = false'],
  removeHeader: [
    'type = remove_header',
    'withName = a',
    'fromList = b, c',
    'fromListSeparator = \\\\s*,\\\\s*',
    'matching = x.*',
  ],
  searchReplace: [
    'type = search_replace',
    'searchPattern = ^[A-Za-z0-9_]+',
    'replaceString = The quick',
    'charset = UTF-8',
  ],
  regexFilter: ['type = regex_filter', 'regex = ^a.*z$', 'excludeEvents = true'],
  regexExtractor: [
    'type = regex_extractor',
    'regex = ^(?:\\\\n)?(\\\\d\\\\d\\\\d\\\\d-\\\\d\\\\d-\\\\d\\\\d)(.)$',
    'serializers = s1 s2',
    'serializers.s1.type = org.apache.flume.interceptor.RegexExtractorInterceptorMillisSerializer',
    'serializers.s1.name = timestamp',
    'serializers.s1.pattern = yyyy-MM-dd',
    'serializers.s2.name = letter',
  ],
  className: [
    'type = org.apache.flume.interceptor.HostInterceptor$Builder',
    'preserveExisting = false',
  ],
}

const twoSinks = [
  'a1.channels = c1',
  ...lines('a1.channels.c1', channel),
  'a1.sources = r1',
  'a1.sources.r1.type = seq',
  'a1.sources.r1.channels = c1',
  'a1.sinks = k1 k2',
  'a1.sinks.k1.type = null',
  'a1.sinks.k1.channel = c1',
  'a1.sinks.k2.type = logger',
  'a1.sinks.k2.channel = c1',
  'a1.sinkgroups = g1',
  'a1.sinkgroups.g1.sinks = k1 k2',
]

const twoChannels = [
  'a1.channels = c1 c2',
  ...lines('a1.channels.c1', channel),
  ...lines('a1.channels.c2', channel),
  'a1.sources = r1',
  'a1.sources.r1.type = seq',
  'a1.sources.r1.channels = c1 c2',
  'a1.sinks = k1 k2',
  'a1.sinks.k1.type = null',
  'a1.sinks.k1.channel = c1',
  'a1.sinks.k2.type = logger',
  'a1.sinks.k2.channel = c2',
]

const wiring: Readonly<Record<string, readonly string[]>> = {
  failover: [
    ...twoSinks,
    'a1.sinkgroups.g1.processor.type = failover',
    'a1.sinkgroups.g1.processor.priority.k1 = 5',
    'a1.sinkgroups.g1.processor.priority.k2 = 10',
    'a1.sinkgroups.g1.processor.maxpenalty = 10000',
  ],
  loadBalance: [
    ...twoSinks,
    'a1.sinkgroups.g1.processor.type = load_balance',
    'a1.sinkgroups.g1.processor.backoff = true',
    'a1.sinkgroups.g1.processor.selector = random',
    'a1.sinkgroups.g1.processor.selector.maxTimeOut = 10000',
  ],
  replicating: [
    ...twoChannels,
    'a1.sources.r1.selector.type = replicating',
    'a1.sources.r1.selector.optional = c2',
  ],
  multiplexing: [
    ...twoChannels,
    'a1.sources.r1.selector.type = multiplexing',
    'a1.sources.r1.selector.header = state',
    'a1.sources.r1.selector.mapping.CZ = c1',
    'a1.sources.r1.selector.mapping.US = c1 c2',
    'a1.sources.r1.selector.optional.CZ = c2',
    'a1.sources.r1.selector.default = c2',
  ],
  twoAgents: [
    ...agent({}),
    'a2.channels = c1',
    'a2.channels.c1.type = memory',
    'a2.sources = r1',
    'a2.sources.r1.type = seq',
    'a2.sources.r1.channels = c1',
  ],
}

function interceptorSample(entries: readonly string[]): string[] {
  return agent({
    more: ['a1.sources.r1.interceptors = i1', ...lines('a1.sources.r1.interceptors.i1', entries)],
  })
}

function named(
  kind: string,
  own: RegExp,
  table: Readonly<Record<string, readonly string[]>>,
  complete: (entries: readonly string[]) => readonly string[],
): Sample[] {
  return Object.entries(table).map(([name, entries]) => ({
    name: `${kind} ${name}`,
    lines: complete(entries),
    own,
  }))
}

export const samples: readonly Sample[] = [
  ...named('source', /\.sources\.r1\.(?!channels )/, sources, (source) => agent({ source })),
  ...named('channel', /\.channels\.c1\./, channels, (entries) => agent({ channel: entries })),
  ...named('sink', /\.sinks\.k1\.(?!channel )/, sinks, (sink) => agent({ sink })),
  ...named('interceptor', /\.interceptors/, interceptors, interceptorSample),
  ...named('wiring', /./, wiring, (entries) => entries),
]
