// Package demo shows Metadb at work: a private PostgreSQL, an embedded broker, the real metadb
// binary, and a generated library with patrons who borrow items.
//
// It owns the library, its changes and the output. It refuses to replace any part of Metadb: users
// can type every command and every query that it shows.
package demo
