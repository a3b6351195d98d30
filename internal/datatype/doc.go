// Package datatype has the rules of PostgreSQL's types and values: the type that holds two others
// without loss, the binary format of a value, and the text that PostgreSQL prints of it.
//
// It owns one table of facts about each column type ([Info]; the names of types are in package
// change), from which the rest follows: the widening rules (docs/spec/02-types.md#schema-changes) and the
// encoding of values. It refuses to interpret events (package debezium does), and it compares only keys: PostgreSQL
// decides whether two rows are equal. All its functions are pure.
package datatype
