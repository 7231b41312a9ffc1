# SPDX-License-Identifier: Apache-2.0
"""confluent-kafka-python (librdkafka): produces in every codec, shares a group, and administers. Prints one outcome a line."""

import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

broker, prefix = sys.argv[1:3]
topic, group = f"{prefix}-confluent", f"{prefix}-confluent-group"
codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
base = {"bootstrap.servers": broker}

admin = AdminClient(base)


def outcome(futures):
    for future in futures.values():
        try:
            future.result()
            return "ok"
        except Exception as error:
            return error.args[0].name()


print("create", outcome(admin.create_topics([NewTopic(topic, 2, 1)])))
print("create again", outcome(admin.create_topics([NewTopic(topic, 2, 1)])))
print("create bad", outcome(admin.create_topics([NewTopic("no/slash", 2, 1)])))
print("grow", outcome(admin.create_partitions([NewPartitions(topic, 4)])))

errors = []
for codec in codecs:
    producer = Producer({**base, "compression.type": codec, "enable.idempotence": True})
    for i in range(4):
        producer.produce(
            topic,
            key=f"{codec}-{i}",
            value=codec * 30,
            partition=i,
            headers={"codec": codec},
            on_delivery=lambda error, _message: errors.append(error) if error else None,
        )
    producer.flush(20)
print("delivery errors", errors)


def member():
    consumer = Consumer({**base, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False,
                         "session.timeout.ms": 6000, "heartbeat.interval.ms": 300})
    consumer.subscribe([topic])
    return consumer


first, second = member(), member()
seen = set()
deadline = time.time() + 30
while time.time() < deadline and (len(seen) < 20 or len(first.assignment()) != 2 or len(second.assignment()) != 2):
    for consumer in (first, second):
        message = consumer.poll(0.05)
        if message is not None and message.error() is None:
            seen.add((message.key().decode(), len(message.value())))
print("assigned", len(first.assignment()), len(second.assignment()))
for line in sorted(seen):
    print("consumed", *line)
for consumer in (first, second):
    consumer.commit(asynchronous=False)
    consumer.close()

reader = Consumer({**base, "group.id": group + "-2", "enable.auto.commit": False})
reader.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
message = reader.poll(20)
print("read", message.key().decode(), message.offset())
print("watermarks", reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=10))
reader.close()

resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
entries = next(iter(admin.describe_configs([resource]).values())).result()
print("config", entries["cleanup.policy"].value, entries["retention.ms"].value, len(entries))
description = admin.describe_consumer_groups([group])[group].result()
print("group", description.state.name, len(description.members))
print("delete group", outcome(admin.delete_consumer_groups([group])))
print("delete topic", outcome(admin.delete_topics([topic])))
