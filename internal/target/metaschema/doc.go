// Package metaschema owns the schema "metadb" of the target database: its
// tables and functions (docs/spec/08-system-schema.md) as numbered SQL files, and the version that
// the database is at.
//
// It refuses to read or write what is in those tables; each belongs to the
// package that it is about. It comes before everything else on the line: the
// server ensures the schema before it loads the catalog.
package metaschema
