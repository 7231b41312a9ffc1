// SPDX-License-Identifier: Apache-2.0

/** Types of Flume 1.11 that are not supported, in lower case, with an alternative. */
export const refusedTypes: Readonly<Record<string, string>> = {
  jdbc: 'the JDBC channel keeps events in an embedded Derby; use type = file, which is as durable and faster',
  'org.apache.flume.channel.jdbc.jdbcchannel': 'use type = file',
  hive: 'the Hive sink needs a Hive metastore; write files with type = hdfs or s3 and load them',
  'org.apache.flume.sink.hive.hivesink': 'write files with type = hdfs or s3 and load them',
  hbase: 'HBase has no client here; send to a topic with type = kafka and load it from there',
  hbase2: 'HBase has no client here; send to a topic with type = kafka and load it from there',
  asynchbase: 'HBase has no client here; send to a topic with type = kafka and load it from there',
  'org.apache.flume.sink.hbase.hbasesink':
    'send to a topic with type = kafka and load it from there',
  'org.apache.flume.sink.hbase2.hbase2sink':
    'send to a topic with type = kafka and load it from there',
  'org.apache.flume.sink.hbase.asynchbasesink':
    'send to a topic with type = kafka and load it from there',
  morphline_solr:
    'morphlines run on the JVM; use an interceptor in JavaScript and type = elasticsearch or http',
  'org.apache.flume.sink.solr.morphline.morphlinesolrsink':
    'morphlines run on the JVM; use an interceptor in JavaScript and type = elasticsearch or http',
  'org.apache.flume.sink.solr.morphline.morphlineinterceptor$builder':
    'morphlines run on the JVM; use an interceptor of type = function',
  'org.apache.flume.sink.kite.datasetsink':
    'Kite is gone; use type = hdfs or s3 with serializer = avro_event',
  irc: 'write a sink of a few lines and name its file in type',
  'org.apache.flume.sink.irc.ircsink': 'write a sink of a few lines and name its file in type',
  'org.apache.flume.source.twitter.twittersource': 'that interface of Twitter is gone',
  'org.apache.flume.source.scribe.scribesource': 'Scribe is gone; use type = thrift',
  'org.apache.flume.source.avrolegacy.avrolegacysource': 'Flume 0.9 is gone; use type = avro',
  'org.apache.flume.source.thriftlegacy.thriftlegacysource': 'Flume 0.9 is gone; use type = thrift',
  'org.apache.flume.sink.hbase.simplehbaseeventserializer': 'HBase has no client here',
}
