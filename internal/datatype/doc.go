// Package datatype knows PostgreSQL's values: which type holds two others
// without loss, how a value looks in PostgreSQL's binary format, and what
// PostgreSQL prints for it.
//
// It owns the widening rules (docs/spec/02-types.md#schema-changes) and the encoding of values. It refuses
// to know where a value comes from (debezium does), and it compares nothing
// but keys: whether two rows are equal is PostgreSQL's to say. Everything in
// it is pure.
package datatype
