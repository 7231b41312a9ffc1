# SPDX-License-Identifier: Apache-2.0
"""aiokafka: produces in every codec, consumes in a group, seeks. Prints one outcome a line."""

import asyncio
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

broker, prefix = sys.argv[1:3]
topic, group = f"{prefix}-aiokafka", f"{prefix}-aiokafka-group"
codecs = [None, "gzip", "snappy", "lz4", "zstd"]


async def consume(want):
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=broker, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    seen = []
    while len(seen) < want:
        record = await asyncio.wait_for(consumer.getone(), 20)
        seen.append((record.key.decode(), len(record.value)))
    await consumer.commit()
    await consumer.stop()
    return sorted(seen)


async def main():
    admin = AIOKafkaAdminClient(bootstrap_servers=broker)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=2, replication_factor=1)])
    for codec in codecs:
        producer = AIOKafkaProducer(bootstrap_servers=broker, compression_type=codec, enable_idempotence=True)
        await producer.start()
        for i in range(3):
            key = f"{codec}-{i}".encode()
            await producer.send_and_wait(topic, key=key, value=key * 10)
        await producer.stop()
    for line in await consume(len(codecs) * 3):
        print("consumed", *line)
    producer = AIOKafkaProducer(bootstrap_servers=broker)
    await producer.start()
    await producer.send_and_wait(topic, key=b"later", value=b"v")
    await producer.stop()
    print("resumed", await consume(1))
    reader = AIOKafkaConsumer(bootstrap_servers=broker)
    await reader.start()
    partition = TopicPartition(topic, 0)
    reader.assign([partition])
    reader.seek(partition, 1)
    record = await asyncio.wait_for(reader.getone(), 20)
    print("sought", record.offset)
    await reader.stop()
    print("groups", group in [name for name, _type in await admin.list_consumer_groups()])
    await admin.close()


asyncio.run(main())
