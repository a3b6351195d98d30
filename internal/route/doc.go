// Package route chooses the target table of an event: the filters, the
// renaming and the origins of docs/spec/03-naming-and-filters.md and docs/spec/04-origins.md. It is pure.
//
// It owns names only, and has neither rows nor the existing tables: package plan
// handles two source tables with one target name.
package route
