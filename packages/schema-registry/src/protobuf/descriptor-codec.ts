// SPDX-License-Identifier: Apache-2.0
import type protobuf from 'protobufjs/light.js'
import { builtIn } from './built-in.ts'
import { Names } from './names.ts'
import { reflectMessage } from './reflection.ts'

/** A descriptor as a plain object: fields under their declared names, enums as names. */
export type DescriptorObject = { readonly [name: string]: unknown }

/** Name of the extension that carries Confluent's metadata in the options of each declaration. */
export const metaExtensions = {
  file: '.confluent.file_meta',
  message: '.confluent.message_meta',
  field: '.confluent.field_meta',
  enum: '.confluent.enum_meta',
  enumValue: '.confluent.enum_value_meta',
} as const

let fileType: protobuf.Type | undefined

function fileDescriptorType(): protobuf.Type {
  if (fileType === undefined) {
    const files = builtIn()
    const meta = files.get('confluent/meta.proto')
    const file = files.get('google/protobuf/descriptor.proto')
    if (meta === undefined || file === undefined) throw new TypeError('a built-in file is missing')
    const names = new Names({ file, dependencies: files, references: [] }, [])
    fileType = reflectMessage(names, [meta], 'google.protobuf.FileDescriptorProto', {
      keepCase: true,
    })
  }
  return fileType
}

/** Bytes of a `FileDescriptorProto`. */
export function encodeFileDescriptor(file: DescriptorObject): Uint8Array {
  const type = fileDescriptorType()
  return type.encode(type.fromObject(file)).finish()
}

/** Reads the bytes of a `FileDescriptorProto`; fields that are not set are absent. */
export function decodeFileDescriptor(bytes: Uint8Array): DescriptorObject {
  const type = fileDescriptorType()
  return type.toObject(type.decode(bytes), { enums: String, longs: String, bytes: Array })
}

/** Whether `value` is a constant of the enum `fullName` of `google/protobuf/descriptor.proto`. */
export function isDescriptorConstant(fullName: string, value: string): boolean {
  return fileDescriptorType().root.lookupEnum(fullName).values[value] !== undefined
}
