// Package ident holds PostgreSQL identifiers as a type, so that no statement is put together from
// bare strings, and the names of the relations that make up a target table.
//
// It owns quoting, PostgreSQL's limit of 63 bytes and the shortening of longer names. It refuses to
// know which tables exist: package plan decides whether a name is taken. It imports only the
// standard library.
package ident
