// Package status contains the live state of every data source: the state of its stream, its lag,
// and its problems. Streams write it, "list status" reads it.
//
// It owns the texts that an administrator sees there (docs/spec/07-commands.md#status). It stores
// nothing: state that has to survive a restart is in the database. It imports only package change.
package status
