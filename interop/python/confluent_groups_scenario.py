# SPDX-License-Identifier: Apache-2.0
"""confluent-kafka-python (librdkafka): transactions and the consumer protocol (KIP-848). Prints one outcome a line."""

import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

broker, prefix = sys.argv[1:3]
topic, out, group = f"{prefix}-rdk848", f"{prefix}-rdk-out", f"{prefix}-rdk848-group"
base = {"bootstrap.servers": broker}

admin = AdminClient(base)
for future in admin.create_topics([NewTopic(topic, 4, 1), NewTopic(out, 1, 1)]).values():
    future.result()
producer = Producer(base)
for i in range(20):
    producer.produce(topic, value=f"v{i}", partition=i % 4)
producer.flush(20)


def member(**more):
    consumer = Consumer({**base, "group.id": group, "group.protocol": "consumer", "auto.offset.reset": "earliest",
                         "enable.auto.commit": False, "isolation.level": "read_committed", **more})
    consumer.subscribe([topic])
    return consumer


first = member()
seen = []
deadline = time.time() + 40
while time.time() < deadline and len(seen) < 20:
    message = first.poll(0.2)
    if message is not None and message.error() is None:
        seen.append(message.value().decode())
print("read", sorted(seen, key=lambda value: int(value[1:])))
print("assigned", len(first.assignment()))
first.commit(asynchronous=False)

second = member()
deadline = time.time() + 40
while time.time() < deadline and (len(first.assignment()) != 2 or len(second.assignment()) != 2):
    first.poll(0.05)
    second.poll(0.05)
print("shared", len(first.assignment()), len(second.assignment()))
second.close()
deadline = time.time() + 40
while time.time() < deadline and len(first.assignment()) != 4:
    first.poll(0.05)
print("after it left", len(first.assignment()))

sender = Producer({**base, "transactional.id": f"{prefix}-rdk-id"})
sender.init_transactions(20)
for i in range(4):
    sender.begin_transaction()
    sender.produce(out, value=f"tx{i}")
    sender.send_offsets_to_transaction([TopicPartition(topic, 0, i + 2)], first.consumer_group_metadata(), 20)
    if i % 2 == 0:
        sender.commit_transaction(20)
    else:
        sender.abort_transaction(20)
print("offset", first.committed([TopicPartition(topic, 0)], 20)[0].offset)
first.close()
reader = Consumer({**base, "group.id": f"{group}-reader", "isolation.level": "read_committed"})
reader.assign([TopicPartition(out, 0, 0)])
seen = []
deadline = time.time() + 20
while time.time() < deadline and len(seen) < 2:
    message = reader.poll(0.2)
    if message is not None and message.error() is None:
        seen.append(message.value().decode())
print("committed", seen)
reader.close()
fenced = Producer({**base, "transactional.id": f"{prefix}-rdk-id"})
fenced.init_transactions(20)
try:
    sender.begin_transaction()
    sender.produce(out, value="zombie")
    sender.commit_transaction(20)
    print("zombie not fenced")
except KafkaException as error:
    print("zombie", error.args[0].fatal())
