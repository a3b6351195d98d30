// Package plan computes the changes of the target's schema that a batch of events needs: tables,
// columns, types and keys. It is pure: a function from the events and the catalog's snapshot to a
// [Plan].
//
// It owns the rules of docs/spec/02-types.md#schema-changes about tables and columns, and the
// refusal of events that their target table can't hold or must not get. It refuses to look at
// values, but for the one rule that needs them (text that arrives at a uuid column), and it changes
// nothing: package ddl executes a plan, package history writes the rows.
package plan
