// Package adminlang is the language of the administration port: it splits a
// query string into statements with PostgreSQL's lexical rules, tells Metadb's
// commands (docs/spec/07-commands.md#commands) from SQL, and makes a syntax tree of the former.
//
// It owns the grammar, positions and hints. It refuses meaning: whether an
// option, a table or a user exists is for adminexec to say. It knows nothing
// of a database and imports only the standard library.
//
//	query string ──Parse──▶ []Statement ── Command != nil ──▶ adminexec
//	                                    └─ SQL ─────────────▶ the database
//
// No word is reserved: what an identifier means follows from where it stands.
package adminlang
