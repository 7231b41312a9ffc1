# SPDX-License-Identifier: Apache-2.0
"""Reads .proto texts with protoc, and descriptors with protobuf's Python runtime.

Each line of stdin is {"imports": {path: text}, "text": …} or {…, "descriptor": base64}; each line of
stdout is {"descriptor": base64, "normal": …} or {"error": …}. The normal form has full names of
types, fields in the order of their numbers and no derived JSON names.
"""
import base64
import json
import os
import sys
import tempfile

import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, json_format
from grpc_tools import protoc

BUILT_IN = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
NAME = "subject.proto"


def compile_files(files, name):
    """The descriptors of a file and of all that it imports, the file last."""
    with tempfile.TemporaryDirectory() as directory:
        for path, text in files.items():
            target = os.path.join(directory, path)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="utf-8", newline="") as file:
                file.write(text)
        output = os.path.join(directory, "descriptors.bin")
        errors = os.path.join(directory, "errors")
        saved = os.dup(2)
        with open(errors, "wb") as sink:
            os.dup2(sink.fileno(), 2)
        code = protoc.main(
            ["protoc", "-I" + directory, "-I" + BUILT_IN, "--include_imports",
             "--descriptor_set_out=" + output, name])
        os.dup2(saved, 2)
        os.close(saved)
        if code != 0:
            with open(errors, encoding="utf-8") as file:
                raise ValueError(file.read())
        with open(output, "rb") as file:
            return list(descriptor_pb2.FileDescriptorSet.FromString(file.read()).file)


def default_json_name(name):
    words = name.split("_")
    return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])


def replace(elements, values):
    copies = []
    for value in values:
        copy = type(value)()
        copy.CopyFrom(value)
        copies.append(copy)
    del elements[:]
    elements.extend(copies)


def name_map_entries(message):
    """Confluent's registry names them otherwise than protoc where a field begins in lower case."""
    for nested in message.nested_type:
        if not nested.options.map_entry:
            continue
        for field in message.field:
            if field.type_name.split(".")[-1] == nested.name:
                prefix = field.type_name[:-len(nested.name)]
                nested.name = "entries of " + field.name
                field.type_name = prefix + nested.name
                break


def sort_fields(message):
    """Fields by number, and oneofs in the order of their first fields."""
    fields = sorted(message.field, key=lambda field: field.number)
    order = []
    for field in fields:
        if field.HasField("oneof_index") and field.oneof_index not in order:
            order.append(field.oneof_index)
    declarations = [message.oneof_decl[index] for index in order]
    for oneof in declarations:
        if not oneof.options.ByteSize():
            oneof.ClearField("options")
    replace(message.oneof_decl, declarations)
    for field in fields:
        if field.HasField("oneof_index"):
            field.oneof_index = order.index(field.oneof_index)
    replace(message.field, fields)
    for extension_range in message.extension_range:
        if not extension_range.options.ByteSize():
            extension_range.ClearField("options")
    name_map_entries(message)
    # Messages of map entries have no order: they follow from their fields.
    replace(message.nested_type, sorted(
        message.nested_type,
        key=lambda each: (each.options.map_entry, each.name if each.options.map_entry else "")))
    for nested in message.nested_type:
        sort_fields(nested)
    clean_fields(list(message.field) + list(message.extension))


def clean_fields(fields):
    for field in fields:
        if field.json_name in (default_json_name(field.name), ""):
            field.ClearField("json_name")


def normal_form(file):
    for message in file.message_type:
        sort_fields(message)
    clean_fields(file.extension)
    for service in file.service:
        for method in service.method:
            if not method.options.ByteSize():
                method.ClearField("options")
    file.ClearField("source_code_info")
    if file.syntax == "proto2":
        file.ClearField("syntax")
    dependencies = list(file.dependency)
    public = sorted(dependencies[index] for index in file.public_dependency)
    file.dependency[:] = sorted(dependencies)
    file.public_dependency[:] = [list(file.dependency).index(path) for path in public]


UNORDERED = ["reserved_range", "reserved_name", "extension_range", "value", "nested_type"]


def without_order(value):
    """Sorts what the normal form sorts, and leaves out empty options."""
    if isinstance(value, list):
        return [without_order(each) for each in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for key, each in value.items():
        if key == "options" and each == {}:
            continue
        each = without_order(each)
        if key in UNORDERED and isinstance(each, list):
            each = sorted(each, key=lambda element: json.dumps(element, sort_keys=True))
        result[key] = each
    return result


def through_pool(dependencies, file):
    """The file as protobuf's runtime understands it: with the full names of all types."""
    pool = descriptor_pool.DescriptorPool()
    for dependency in dependencies:
        pool.Add(dependency)
    pool.Add(file)
    result = descriptor_pb2.FileDescriptorProto()
    pool.FindFileByName(file.name).CopyToProto(result)
    return result


def answer(question):
    imports = question["imports"]
    if "text" in question:
        files = compile_files({**imports, NAME: question["text"]}, NAME)
        file = files[-1]
        dependencies = files[:-1]
    else:
        file = descriptor_pb2.FileDescriptorProto.FromString(
            base64.b64decode(question["descriptor"], validate=True))
        file.name = NAME
        uses = "".join('import "%s";\n' % path for path in file.dependency)
        dependencies = compile_files({**imports, "uses.proto": 'syntax = "proto3";\n' + uses},
                                     "uses.proto")[:-1]
    descriptor = base64.b64encode(file.SerializeToString()).decode()
    understood = through_pool(dependencies, file)
    normal_form(understood)
    normal = without_order(
        json_format.MessageToDict(understood, preserving_proto_field_name=True))
    return {"descriptor": descriptor, "normal": normal, "exact": exact_form(file)}


def exact_form(file):
    """Bytes with all options, also those that this runtime does not know."""
    copy = descriptor_pb2.FileDescriptorProto()
    copy.CopyFrom(file)
    normal_form(copy)
    return base64.b64encode(copy.SerializeToString(deterministic=True)).decode()


for line in sys.stdin:
    try:
        result = answer(json.loads(line))
    except Exception as error:  # each question has its own answer
        result = {"error": str(error)}
    print(json.dumps(result), flush=True)
