// SPDX-License-Identifier: Apache-2.0
export * from '@millrace/schema-registry/serdes'
