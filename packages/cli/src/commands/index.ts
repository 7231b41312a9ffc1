// SPDX-License-Identifier: Apache-2.0
import type { Command } from '../command.ts'
import { completionCommand } from './completion.ts'

/**
 * The `millrace` command with all subcommands. Only the called one is loaded, so a broker starts
 * without loading the tools.
 */
export const commands: Command = {
  name: 'millrace',
  summary:
    'millrace: a Kafka-compatible broker, a JMS provider, a schema registry and Flume agents in one command, and tools for any of them',
  details: `Tools connect to --bootstrap HOST:PORT, else to $MILLRACE_BOOTSTRAP, else to 127.0.0.1:9092.
Tools for schemas connect to --registry URL, else to $MILLRACE_REGISTRY, else to http://127.0.0.1:8081.
Tab completion: source <(millrace completion bash)`,
  subcommands: [
    {
      name: 'start',
      summary:
        'starts a Kafka-compatible broker, a JMS provider and a schema registry in the foreground',
      load: async () => (await import('./start.ts')).start,
    },
    {
      name: 'format',
      summary: 'formats data directories before the first start, with SCRAM users',
      load: async () => (await import('./format.ts')).format,
    },
    {
      name: 'user',
      summary: 'lists, sets and deletes SCRAM users',
      load: async () => (await import('./user.ts')).user,
    },
    {
      name: 'acl',
      summary: 'lists, adds and deletes ACLs',
      load: async () => (await import('./acl.ts')).acl,
    },
    {
      name: 'quota',
      summary: 'lists, sets and removes quotas',
      load: async () => (await import('./quota.ts')).quota,
    },
    {
      name: 'topic',
      summary: 'lists, creates, describes, alters and deletes topics',
      load: async () => (await import('./topic.ts')).topic,
    },
    {
      name: 'produce',
      summary: 'sends each line of stdin or of files as a record',
      load: async () => (await import('./produce.ts')).produce,
    },
    {
      name: 'consume',
      summary: 'prints the records of topics, and follows them',
      load: async () => (await import('./consume.ts')).consume,
    },
    {
      name: 'group',
      summary: 'lists, describes, resets and deletes groups of all types',
      load: async () => (await import('./group.ts')).group,
    },
    {
      name: 'transaction',
      summary: 'lists, describes and aborts transactions',
      load: async () => (await import('./transaction.ts')).transaction,
    },
    {
      name: 'queue',
      summary: 'lists, creates, browses, fills and empties queues of a JMS provider',
      load: async () => (await import('./queue.ts')).queue,
    },
    {
      name: 'subscription',
      summary: 'lists, creates and deletes durable subscriptions of a JMS provider',
      load: async () => (await import('./subscription.ts')).subscription,
    },
    {
      name: 'jms',
      summary: 'forwards messages between JMS providers: bridge',
      load: async () => (await import('./jms.ts')).jms,
    },
    {
      name: 'agent',
      summary: 'runs a Flume agent from Flume configuration files; status, tap',
      load: async () => (await import('./agent.ts')).agent,
    },
    {
      name: 'registry',
      summary: 'runs a schema registry over a Kafka cluster in the foreground',
      load: async () => (await import('./registry.ts')).registry,
    },
    {
      name: 'schema',
      summary: 'lists, registers, compares and deletes schemas of a registry',
      load: async () => (await import('./schema.ts')).schema,
    },
    {
      name: 'config',
      summary: 'shows and changes configurations of topics, brokers and groups',
      load: async () => (await import('./config.ts')).config,
    },
    {
      name: 'log',
      summary: 'reads data directories: dump, verify',
      load: async () => (await import('./log.ts')).log,
    },
    {
      name: 'bench',
      summary: 'measures a cluster: produce, consume, latency',
      load: async () => (await import('./bench.ts')).bench,
    },
    completionCommand(() => commands),
  ],
}
