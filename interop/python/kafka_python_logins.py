# SPDX-License-Identifier: Apache-2.0
"""kafka-python: reads login cases as a JSON array from stdin and prints a line for each: name, outcome and details,
separated by tabs. An outcome is "accepted" with the topics that the client sees, or an error."""

import json
import logging
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.net.sasl import scram
from kafka.net.sasl.oauth import AbstractTokenProvider

class LostConnections(logging.Handler):
    """Why connections were lost, by client: the client itself only says that it timed out."""

    def __init__(self):
        super().__init__()
        self.errors = {}

    def emit(self, record):
        if "Connection lost" in record.msg:
            client = record.threadName.removeprefix("kafka-io-")
            self.errors.setdefault(client, []).append(record.args[-1])


lost = LostConnections()
log = logging.getLogger("kafka")
log.addHandler(lost)
log.propagate = False


class TokenScramClient(scram.ScramClient):
    """SCRAM with a delegation token: the client has no option for the extension that says so."""

    tokens = set()

    def first_message(self):
        message = super().first_message()
        if self.user.decode() not in self.tokens:
            return message
        self.auth_message += b",tokenauth=true"
        return message + b",tokenauth=true"


scram.ScramClient = TokenScramClient


class Tokens(AbstractTokenProvider):
    def __init__(self, url):
        self.url = url

    def token(self):
        with urllib.request.urlopen(self.url) as response:
            return json.load(response)["token"]


def settings_of(login):
    settings = {
        "bootstrap_servers": login["address"],
        "security_protocol": login["protocol"],
        "request_timeout_ms": 5000,
        "bootstrap_timeout_ms": 1000,
        "client_id": login["name"],
    }
    if login["protocol"].endswith("SSL"):
        settings["ssl_cafile"] = login["ca"]
    if "certificate" in login:
        settings["ssl_certfile"] = login["certificate"]
        settings["ssl_keyfile"] = login["key"]
    if "mechanism" in login:
        settings["sasl_mechanism"] = login["mechanism"]
        if login["mechanism"] == "OAUTHBEARER":
            settings["sasl_oauth_token_provider"] = Tokens(login["tokenUrl"])
        else:
            settings["sasl_plain_username"] = login["username"]
            settings["sasl_plain_password"] = login["password"]
            if login.get("isToken"):
                TokenScramClient.tokens.add(login["username"])
    return settings


def consume(consumer, partition, offset, value):
    consumer.assign([partition])
    consumer.seek(partition, offset)
    end = time.monotonic() + 5
    while time.monotonic() < end:
        for records in consumer.poll(100).values():
            if any(record.value == value for record in records):
                return True
    return False


def use(login):
    settings = settings_of(login)
    consumer = KafkaConsumer(**settings, enable_auto_commit=False)
    producer = None
    try:
        topics = sorted(consumer.topics())
        producer = KafkaProducer(**settings, max_block_ms=5000, delivery_timeout_ms=6000)
        partition = TopicPartition(login["topic"], 0)
        value = f"kafka-python {login['name']}".encode()
        end = time.monotonic() + login["holdMs"] / 1000
        while True:
            sent = producer.send(partition.topic, value, partition=0).get(7)
            if not consume(consumer, partition, sent.offset, value):
                return "nothing consumed"
            if time.monotonic() >= end:
                return "accepted " + " ".join(topics)
            time.sleep(0.1)
    finally:
        if producer is not None:
            producer.close(0)
        consumer.close()


def run(login):
    # It often misses the last response of a connection that is closed: further attempts see it.
    for _ in range(20 if login["isAnswered"] else 2):
        try:
            return f"{login['name']}\t{use(login)}\t"
        except Exception as error:
            reasons = [*lost.errors.get(login["name"], []), error]
        found = [reason for reason in reasons if "Sasl" in type(reason).__name__]
        if found:
            break
    error = [*found, *reasons][0]
    details = " ".join(str(error).split())
    return f"{login['name']}\t{type(error).__name__}\t{details}"


with ThreadPoolExecutor(12) as threads:
    for line in threads.map(run, json.load(sys.stdin)):
        print(line, flush=True)
