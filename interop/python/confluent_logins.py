# SPDX-License-Identifier: Apache-2.0
"""librdkafka: reads login cases as a JSON array from stdin and prints a line for each: name, outcome and details,
separated by tabs. An outcome is "accepted" with the topics that the client sees, or an error."""

import json
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

DECISIVE = ["_AUTHENTICATION", "_SSL", "_UNSUPPORTED_FEATURE"]


def settings_of(login, errors):
    settings = {
        "bootstrap.servers": login["address"],
        "security.protocol": login["protocol"],
        "error_cb": lambda error: errors.append(error),
        "log_level": 0,
        "reconnect.backoff.max.ms": 500,
        "message.timeout.ms": 6000,
    }
    if login["protocol"].endswith("SSL"):
        settings["ssl.ca.location"] = login["ca"]
    if "certificate" in login:
        settings["ssl.certificate.location"] = login["certificate"]
        settings["ssl.key.location"] = login["key"]
    if "mechanism" in login:
        settings["sasl.mechanism"] = login["mechanism"]
        if login["mechanism"] == "OAUTHBEARER":
            settings["oauth_cb"] = lambda _: token_of(login)
        else:
            settings["sasl.username"] = login["username"]
            settings["sasl.password"] = login["password"]
    return settings


def token_of(login):
    with urllib.request.urlopen(login["tokenUrl"]) as response:
        found = json.load(response)
    return found["token"], found["expiresAtMs"] / 1000, found["subject"], {}


class Failed(Exception):
    pass


def check(errors):
    for code in DECISIVE:
        for error in errors:
            if error.name() == code:
                raise Failed(f"{code}\t{error.str()}")


def timed_out(errors):
    # A client may log in again after it has lost a connection: errors count when it gives up.
    check(errors)
    raise Failed("disconnected\t" + "; ".join(sorted({error.name() for error in errors})))


def topics_of(producer, errors):
    end = time.monotonic() + 5
    while time.monotonic() < end:
        producer.poll(0)
        check(errors)
        try:
            return sorted(producer.list_topics(timeout=0.5).topics)
        except KafkaException:
            pass
    timed_out(errors)


def produce(producer, topic, value, errors):
    reports = []
    producer.produce(topic, value, partition=0, on_delivery=lambda error, message: reports.append((error, message)))
    end = time.monotonic() + 7
    while not reports and time.monotonic() < end:
        producer.poll(0.1)
    if not reports or reports[0][0] is not None:
        timed_out(errors)
    return reports[0][1].offset()


def consume(consumer, topic, offset, value, errors):
    consumer.assign([TopicPartition(topic, 0, offset)])
    end = time.monotonic() + 5
    while time.monotonic() < end:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None and message.value() == value:
            return
    timed_out(errors)


def use(login):
    errors = []
    settings = settings_of(login, errors)
    producer = Producer({**settings, "linger.ms": 0})
    topics = topics_of(producer, errors)
    del settings["message.timeout.ms"]
    consumer = Consumer({**settings, "group.id": "logins", "enable.auto.commit": False})
    value = f"librdkafka {login['name']}".encode()
    end = time.monotonic() + login["holdMs"] / 1000
    try:
        while True:
            offset = produce(producer, login["topic"], value, errors)
            consume(consumer, login["topic"], offset, value, errors)
            if time.monotonic() >= end:
                break
            time.sleep(0.1)
    finally:
        consumer.close()
    return "accepted " + " ".join(topics) + "\t"


def outcome(login):
    try:
        return use(login)
    except Failed as failure:
        return str(failure)
    except KafkaException as failure:
        return f"{failure.args[0].name()}\t{failure.args[0].str()}"


def run(login):
    return login["name"] + "\t" + " ".join(outcome(login).split("\n"))


with ThreadPoolExecutor(64) as threads:
    for line in threads.map(run, json.load(sys.stdin)):
        print(line, flush=True)
