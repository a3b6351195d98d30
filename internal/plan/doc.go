// Package plan says what a batch of events needs to have changed in the schema
// of the target: which tables, columns, types and keys. It is pure: a function
// from the events and the catalog's snapshot to a [Plan].
//
// It owns the rules of docs/spec/02-types.md#schema-changes about tables and columns, and which events are
// refused because the table that they are meant for can't be theirs. It
// refuses to look at values, but for the one rule that needs them (text that
// arrives at a uuid column), and it changes nothing: package ddl executes a
// plan, package history writes the rows.
package plan
