// Package lang is the language of the administration port: it splits a query string into
// statements with PostgreSQL's lexical rules, distinguishes Metadb's commands
// (docs/spec/07-commands.md#commands) from SQL, and makes a syntax tree of each command.
//
// It owns the grammar, positions and hints. It refuses to check meaning: adminexec decides whether an
// option, a table or a user exists. It uses no database and imports only the standard library.
//
//	query string ──Parse──▶ []Statement ── Command != nil ──▶ adminexec
//	                                    ├─ Err != nil ──────▶ the client
//	                                    └─ SQL ─────────────▶ the database
//
// No word is reserved: the meaning of an identifier depends on its place.
package lang
