# SPDX-License-Identifier: Apache-2.0
"""A member of a group, by librdkafka, that prints what it has whenever that changes, until stdin ends."""
import select
import sys

from confluent_kafka import Consumer

address, group, topic, strategy = sys.argv[1:5]
consumer = Consumer(
    {
        "bootstrap.servers": address,
        "group.id": group,
        "partition.assignment.strategy": strategy,
        "heartbeat.interval.ms": 200,
        "session.timeout.ms": 6000,
        "auto.offset.reset": "earliest",
    }
)
consumer.subscribe([topic])
last = None
while not select.select([sys.stdin], [], [], 0)[0]:
    message = consumer.poll(0.1)
    now = sorted(each.partition for each in consumer.assignment())
    if now != last:
        last = now
        print("assigned " + ",".join(map(str, now)), flush=True)
    if message is not None and message.error() is None:
        print(f"read {message.partition()} {message.value().decode()}", flush=True)
consumer.close()
