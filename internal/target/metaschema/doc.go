// Package metaschema owns the schema "metadb" of the target database: its tables and functions
// (docs/spec/08-system-schema.md) as numbered SQL files, and the version of the database, in
// metadb.init.
//
// It refuses to read or write the other tables: each belongs to the package of its subject. The
// server ensures the schema before it loads the catalog.
package metaschema
