// Package demo shows Metadb at work: a private PostgreSQL, an embedded broker,
// the real metadb binary, and a generated library whose patrons borrow items.
//
// It owns the library, its changes and what is shown of them. It refuses to
// stand in for anything of Metadb: every command and every query that it shows
// is one that a newcomer can type.
package demo
