// Package lang is the language of the administration port: it splits a query string into
// statements with PostgreSQL's lexical rules, distinguishes Metadb's commands
// (docs/spec/07-commands.md#commands) from SQL, and has them parsed.
//
// It owns the lexical rules, the choice between the commands of a [Grammar], positions and hints.
// Package command owns the commands: it makes a grammar of their forms, each with the function
// that reads its statement with a [Parser]. Lang refuses to check meaning: whether an option, a
// table or a user exists is the command's. It uses no database and imports only the standard
// library.
//
//	query string ──Grammar.Parse──▶ []Statement ── Command != nil ──▶ command.Executor
//	                                            ├─ Err != nil ──────▶ the client
//	                                            └─ SQL ─────────────▶ the database
//
// No word is reserved: the meaning of an identifier depends on its place.
package lang
