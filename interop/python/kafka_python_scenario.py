# SPDX-License-Identifier: Apache-2.0
"""kafka-python: produces in every codec, consumes in a group, and administers. Prints one outcome a line."""

import sys

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

broker, prefix = sys.argv[1:3]
topic, group = f"{prefix}-kafka-python", f"{prefix}-kafka-python-group"
codecs = [None, "gzip", "snappy", "lz4", "zstd"]

admin = KafkaAdminClient(bootstrap_servers=broker)
admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
try:
    admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    print("created twice")
except TopicAlreadyExistsError:
    print("created twice: refused")

for codec in codecs:
    producer = KafkaProducer(bootstrap_servers=broker, compression_type=codec, acks="all")
    for i in range(3):
        key = f"{codec}-{i}".encode()
        producer.send(topic, key=key, value=key * 10, headers=[("codec", str(codec).encode())]).get(10)
    producer.close()


def consume(want):
    consumer = KafkaConsumer(
        topic,
        bootstrap_servers=broker,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        consumer_timeout_ms=15000,
    )
    seen = []
    for record in consumer:
        seen.append((record.key.decode(), len(record.value), record.headers[0][1].decode() if record.headers else ""))
        if len(seen) == want:
            break
    consumer.commit()
    consumer.close()
    return sorted(seen)


for line in consume(len(codecs) * 3):
    print("consumed", *line)
producer = KafkaProducer(bootstrap_servers=broker)
producer.send(topic, key=b"later", value=b"v").get(10)
producer.close()
print("resumed", consume(1))

reader = KafkaConsumer(bootstrap_servers=broker)
partitions = [TopicPartition(topic, i) for i in range(2)]
print("ends", sum(reader.end_offsets(partitions).values()), "begins", sum(reader.beginning_offsets(partitions).values()))
reader.close()
offsets = admin.list_group_offsets({group: None})
print("committed", sum(entry.offset for partitions in offsets.values() for entry in partitions.values()))
admin.delete_topics([topic])
print("deleted", topic not in admin.list_topics())
admin.close()
