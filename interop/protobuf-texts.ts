// SPDX-License-Identifier: Apache-2.0

/** A `.proto` file that protoc accepts, with the files that it imports. */
export interface ProtoText {
  /** What it shows. */
  readonly name: string
  /** The text. */
  readonly text: string
  /** Texts of the imported files by path. */
  readonly imports?: Readonly<Record<string, string>>
}

const p3 = 'syntax = "proto3";\npackage p;\n'
const p2 = 'syntax = "proto2";\npackage p;\n'
const a = 'syntax = "proto3"; package a; message A { message B { int32 y = 1; } enum E { Z = 0; } }'
const config = `import "google/protobuf/descriptor.proto";
  message C { optional string name = 1; optional int32 count = 2; optional C sub = 3;
    repeated string tags = 4; optional bool on = 5; optional double ratio = 6; }
  extend google.protobuf.FieldOptions { optional C cfg = 50001; repeated int32 nums = 50002; }
  extend google.protobuf.MessageOptions { optional C about = 50003; }
  extend google.protobuf.FileOptions { optional string owner = 50004; }
  extend google.protobuf.EnumValueOptions { optional string label = 50005; }
  extend google.protobuf.MethodOptions { optional string path = 50006; }
`
const scalars = [
  ...['int32', 'int64', 'uint32', 'uint64', 'sint32', 'sint64', 'fixed32', 'fixed64'],
  ...['sfixed32', 'sfixed64', 'bool', 'string', 'bytes', 'float', 'double'],
]
const fields = (label: string) =>
  scalars.map((type, index) => `${label} ${type} f_${type} = ${index + 1};`).join(' ')
const maps = scalars
  .filter((type) => !['bytes', 'float', 'double'].includes(type))
  .map((type, index) => `map<${type}, ${scalars[index]}> by${index} = ${index + 1};`)
  .join(' ')

const texts: Readonly<Record<string, string>> = {
  'empty file': '',
  'no syntax': 'message M { optional int32 a = 1; }',
  'empty message': `${p3}message M {}`,
  'proto3 scalars': `${p3}message M { ${fields('')} }`,
  'proto3 optional scalars': `${p3}message M { ${fields('optional')} }`,
  'proto3 repeated scalars': `${p3}message M { ${fields('repeated')} }`,
  'proto2 optional scalars': `${p2}message M { ${fields('optional')} }`,
  'proto2 required scalars': `${p2}message M { ${fields('required')} }`,
  'proto2 repeated scalars': `${p2}message M { ${fields('repeated')} }`,
  'maps with every type of key': `${p3}message M { ${maps} }`,
  'maps of messages and enums': `${p3}message M { map<string, N> N_map = 1; map<int32, E> E_map = 2; message N {} enum E { Z = 0; } }`,
  enum: `${p3}enum E { ZERO = 0; HEX = 0x1F; OCTAL = 20; }`,
  'enum with aliases and reserved': `${p3}enum E { option allow_alias = true; A = 0; B = 0; reserved 5, 7 to 9; reserved "X", "Y"; }`,
  'nested types': `${p3}message A { message B { message C { enum E { Z = 0; } E e = 1; B b = 2; A a = 3; } C c = 1; } B.C c = 1; A.B b = 2; .p.A.B.C.E e = 3; }`,
  'names of outer scopes': `${p3}message N { int32 x = 1; } message M { message N { string y = 1; } N inner = 1; .p.N outer = 2; p.N same = 3; }`,
  'package with several parts':
    'syntax = "proto3"; package a.b.c; message M { N n = 1; b.c.N m = 2; a.b.c.N o = 3; } message N {}',
  oneofs: `${p3}message M { int32 z = 9; oneof first { int32 a = 1; string b = 2; } oneof second { M c = 3; E d = 4; } enum E { Z = 0; } }`,
  'oneofs between fields': `${p3}message M { int32 a = 1; oneof o { int32 b = 7; } int32 c = 3; optional int32 d = 4; oneof q { int32 e = 5; } }`,
  'fields out of order': `${p3}message M { string c = 3; int32 a = 1; bytes b = 2; }`,
  'reserved numbers and names': `${p3}message M { reserved 2, 15, 9 to 11, 1000 to max; reserved "foo", "bar"; }`,
  recursive: `${p3}message M { M self = 1; repeated N all = 2; } message N { M m = 1; }`,
  'json names': `${p3}message M { int32 a_b = 1 [json_name = "x"]; int32 c_d = 2 [json_name = "cD"]; int32 e = 3 [json_name = "@e \\"q\\""]; }`,
  'field options': `${p3}message M { int32 a = 1 [deprecated = true]; repeated int32 b = 2 [packed = false, deprecated = false]; int64 c = 3 [jstype = JS_STRING]; string d = 4 [ctype = CORD]; string e = 5 [debug_redact = true]; }`,
  'file options': `${p3}option java_package = "a.b"; option java_outer_classname = "O"; option java_multiple_files = true; option optimize_for = CODE_SIZE; option go_package = "g/h"; option cc_enable_arenas = false; option objc_class_prefix = "X"; option csharp_namespace = "C"; option swift_prefix = "S"; option php_class_prefix = "P"; option php_namespace = "PN"; option php_metadata_namespace = "PM"; option ruby_package = "R"; option deprecated = true; message M {}`,
  'message, enum and value options': `${p3}message M { option deprecated = true; } enum E { option deprecated = true; A = 0 [deprecated = true]; }`,
  defaults: `${p2}message M { optional int32 a = 1 [default = -5]; optional string b = 2 [default = "x\\ty"]; optional bool c = 3 [default = true]; optional E d = 4 [default = B]; optional double e = 5 [default = -inf]; optional float f = 6 [default = 1.5]; optional uint64 g = 7 [default = 0xFFFFFFFFFFFFFFFF]; enum E { A = 1; B = 2; } }`,
  'default of a special float': `${p2}message M { optional float a = 1 [default = nan]; optional float b = 2 [default = inf]; }`,
  'extension ranges': `${p2}message M { optional int32 a = 1; extensions 100 to 199; extensions 300, 400 to max; }`,
  extensions: `${p2}message M { extensions 100 to 200; } extend M { optional int32 a = 100; repeated string b = 101; optional M c = 102; } message N { extend M { optional N inner = 103; } extend .p.M { optional bool q = 104; } }`,
  service: `${p3}message M {} message N {} service S { rpc A (M) returns (N); rpc B (stream p.M) returns (.p.N); rpc C (M) returns (stream N) {} rpc D (stream M) returns (stream N) { option deprecated = true; option idempotency_level = NO_SIDE_EFFECTS; } }`,
  'service options': `${p3}message M {} service S { option deprecated = true; rpc A (M) returns (M); }`,
  'well-known types': `${p3}import "google/protobuf/timestamp.proto"; import "google/protobuf/any.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/wrappers.proto"; import "google/protobuf/duration.proto"; import "google/protobuf/empty.proto"; import "google/protobuf/field_mask.proto"; message M { google.protobuf.Timestamp t = 1; google.protobuf.Any a = 2; google.protobuf.Struct s = 3; google.protobuf.Int64Value i = 4; google.protobuf.Duration d = 5; google.protobuf.NullValue n = 6; map<string, google.protobuf.Value> v = 7; google.protobuf.FieldMask f = 8; } service S { rpc A (google.protobuf.Empty) returns (M); }`,
  'type and api files': `${p3}import "google/protobuf/type.proto"; import "google/protobuf/api.proto"; import "google/protobuf/source_context.proto"; message M { google.protobuf.Type t = 1; google.protobuf.Api a = 2; google.protobuf.SourceContext s = 3; google.protobuf.Syntax x = 4; }`,
  'descriptor file': `${p2}import "google/protobuf/descriptor.proto"; message M { optional google.protobuf.FileDescriptorProto f = 1; optional google.protobuf.FieldDescriptorProto.Type t = 2; }`,
  comments: `/* a */ // b\n${p3}/** doc */ message M { // c\n  /* d */ int32 a = 1; // e\n  // f\n}\n`,
  'words of the language as names': `${p3}message M { int32 message = 1; int32 enum = 2; string optional_ = 3; int32 syntax = 4; int32 package = 5; int32 to = 6; int32 max = 7; } message map {} message N { M rpc = 1; M stream = 2; M returns = 3; }`,
  'large numbers': `${p3}message M { int32 a = 536870911; int32 b = 18999; int32 c = 20000; } enum E { A = 0; B = 2147483647; }`,
  'strings with escapes': `${p3}option java_package = "a\\"b\\'c\\\\d\\n\\t"; message M {}`,
  'joined strings': `${p3}option java_package = "a" 'b' "c"; message M {}`,
  'custom options': `${p2}${config}option (owner) = "team"; message M { option (about) = { name: "m" count: 7, sub { name: "n"; on: true } tags: ["a", "b"] ratio: 1.5 }; optional string a = 1 [(cfg).name = "x", (cfg).count = 0x10, (cfg).sub.name = "z", (cfg).tags = "t1", (cfg).tags = "t2", (nums) = 1, (nums) = 2, deprecated = true]; } enum E { A = 0 [(label) = "l"]; } service S { rpc A (M) returns (M) { option (p.path) = "/a"; } }`,
  'empty statements': `${p3};message M { int32 a = 1;; };;`,
  'map with underscores in its name': `${p3}message M { map<string, string> user_first_names = 1; map<string, int32> X = 2; }`,
}

const withImports: readonly ProtoText[] = [
  {
    name: 'an imported file',
    text: `${p3}import "a.proto"; message M { a.A x = 1; a.A.B y = 2; a.A.E z = 3; map<string, a.A.B> m = 4; }`,
    imports: { 'a.proto': a },
  },
  {
    name: 'a public import',
    text: `${p3}import "b/b.proto"; message M { a.A x = 1; }`,
    imports: { 'a.proto': a, 'b/b.proto': 'syntax = "proto3"; import public "a.proto";' },
  },
  {
    name: 'a public import beside a plain one',
    text: `${p3}import public "a.proto"; import "google/protobuf/any.proto"; message M { a.A x = 1; google.protobuf.Any y = 2; }`,
    imports: { 'a.proto': a },
  },
  {
    name: 'the same package in two files',
    text: `${p3}import "q.proto"; message M { N n = 1; p.N o = 2; }`,
    imports: { 'q.proto': `${p3}message N { int32 a = 1; }` },
  },
]

/** Files that protoc accepts. */
export const protoTexts: readonly ProtoText[] = [
  ...Object.entries(texts).map(([name, text]) => ({ name, text })),
  ...withImports,
]

/** Files with groups: descriptors of Confluent's registry leave them out. */
export const groupTexts: readonly ProtoText[] = [
  {
    name: 'groups',
    text: `${p2}message M { optional group One = 1 { optional int32 a = 1; required string b = 2; } repeated group Many = 2 { repeated int32 z = 5; } oneof o { int32 i = 3; group Other = 4 { optional int32 q = 1; } } }`,
  },
]
