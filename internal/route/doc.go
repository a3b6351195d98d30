// Package route says which target table an event goes to: the filters, the
// renaming and the origins of docs/spec/03-naming-and-filters.md and docs/spec/04-origins.md. It is pure.
//
// It owns names only. It refuses to look at rows, and to know which tables
// exist: two source tables that come to one name are plan's concern.
package route
