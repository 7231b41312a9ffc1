# SPDX-License-Identifier: Apache-2.0
"""Confluent's serializers for Python: answers one job per line of JSON.

Values are JSON with tags for what JSON lacks: {"$long": "9007199254740993"}, {"$bytes": "00ff"},
{"$decimal": "12.50"}, {"$date": "2026-11-29"}, {"$time": "2026-11-29T10:00:00.000+00:00"},
{"$clock": "12:34:56.789000"}, {"$uuid": "..."}, {"$branch": "app.A", "value": {...}}. Protobuf
values are Protobuf's JSON form.
"""
import datetime
import decimal
import json
import sys
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import (
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    SchemaRegistryError,
    header_schema_id_serializer,
    prefix_schema_id_serializer,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

broker, registry_url, descriptors = sys.argv[1:]
producer = Producer({"bootstrap.servers": broker, "linger.ms": 0})


def strip_json_names(messages):
    for message in messages:
        for field in message.field:
            field.ClearField("json_name")
        strip_json_names(message.nested_type)


# protoc writes the JSON name of each field, but not into Python's generated code.
pool = descriptor_pool.DescriptorPool()
with open(descriptors, "rb") as file:
    for each in descriptor_pb2.FileDescriptorSet.FromString(file.read()).file:
        strip_json_names(each.message_type)
        pool.Add(each)


def from_tagged(value):
    if isinstance(value, list):
        return [from_tagged(each) for each in value]
    if not isinstance(value, dict):
        return value
    if "$long" in value:
        return int(value["$long"])
    if "$bytes" in value:
        return bytes.fromhex(value["$bytes"])
    if "$decimal" in value:
        return decimal.Decimal(value["$decimal"])
    if "$date" in value:
        return datetime.date.fromisoformat(value["$date"])
    if "$time" in value:
        return datetime.datetime.fromisoformat(value["$time"])
    if "$clock" in value:
        return datetime.time.fromisoformat(value["$clock"])
    if "$uuid" in value:
        return uuid.UUID(value["$uuid"])
    if "$branch" in value:
        return (value["$branch"], from_tagged(value["value"]))
    return {key: from_tagged(each) for key, each in value.items()}


def to_tagged(value):
    if isinstance(value, list):
        return [to_tagged(each) for each in value]
    if isinstance(value, dict):
        return {key: to_tagged(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return {"$branch": value[0], "value": to_tagged(value[1])}
    if isinstance(value, int) and abs(value) > 2**53 - 1:
        return {"$long": str(value)}
    if isinstance(value, bytes):
        return {"$bytes": value.hex()}
    if isinstance(value, decimal.Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, datetime.datetime):
        return {"$time": value.isoformat(timespec="microseconds")}
    if isinstance(value, datetime.date):
        return {"$date": value.isoformat()}
    if isinstance(value, datetime.time):
        return {"$clock": value.isoformat(timespec="microseconds")}
    if isinstance(value, uuid.UUID):
        return {"$uuid": str(value)}
    return value


def schema_of(job):
    references = [SchemaReference(**each) for each in job["references"]]
    return Schema(job["schema"], job["format"], references)


def client_of(job):
    # A separate client: no cache makes a job depend on an earlier one.
    return SchemaRegistryClient({"url": registry_url})


def message_class(job):
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(job["message"]))


def serializer_of(job, client):
    conf = {
        "schema.id.serializer": header_schema_id_serializer
        if job["idIn"] == "header"
        else prefix_schema_id_serializer,
        **job.get("settings", {}),
    }
    if job["format"] == "PROTOBUF":
        return ProtobufSerializer(message_class(job), client, conf)
    if job["format"] == "JSON":
        return JSONSerializer(schema_of(job), client, conf=conf)
    return AvroSerializer(client, schema_of(job), conf=conf)


def deserializer_of(job, client):
    if job["format"] == "PROTOBUF":
        return ProtobufDeserializer(message_class(job), {}, client)
    if job["format"] == "JSON":
        return JSONDeserializer(None, schema_registry_client=client)
    reader = job.get("readerSchema")
    # Names of records decide in unions of several records, which other values do not need.
    return AvroDeserializer(client, reader, return_record_name=job.get("hasBranches", False))


def write(job):
    serializer = serializer_of(job, client_of(job))
    value = job["value"]
    if job["format"] == "PROTOBUF":
        value = json_format.ParseDict(value, message_class(job)(), descriptor_pool=pool)
    elif job["format"] == "AVRO":
        value = from_tagged(value)
    headers = []
    context = SerializationContext(job["topic"], MessageField.VALUE, headers)
    payload = serializer(value, context)
    failures = []
    producer.produce(
        job["topic"],
        value=payload,
        headers=headers,
        on_delivery=lambda error, _: failures.append(str(error)) if error else None,
    )
    producer.flush(30)
    if failures:
        raise RuntimeError(failures[0])
    return payload.hex()


def read(job):
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "python"})
    try:
        consumer.assign([TopicPartition(job["topic"], 0, 0)])
        message = consumer.poll(30)
        if message is None or message.error():
            raise RuntimeError(f"no record: {message and message.error()}")
        deserializer = deserializer_of(job, client_of(job))
        headers = message.headers() or []
        context = SerializationContext(job["topic"], MessageField.VALUE, headers)
        value = deserializer(message.value(), context)
    finally:
        consumer.close()
    if job["format"] == "PROTOBUF":
        return json_format.MessageToDict(value, descriptor_pool=pool)
    return to_tagged(value)


def compatible(job):
    return client_of(job).test_compatibility(f"{job['topic']}-value", schema_of(job))


actions = {"write": write, "read": read, "compatible": compatible}
for line in sys.stdin:
    job = json.loads(line)
    try:
        answer = {"result": actions[job["action"]](job)}
    except SchemaRegistryError as error:
        text = str(error)
        answer = {
            "error": text,
            "status": error.http_status_code,
            "errorCode": error.error_code,
        }
    except Exception as error:  # The harness decides which errors are expected.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
