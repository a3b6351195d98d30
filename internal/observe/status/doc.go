// Package status keeps the live state of every data source: whether its stream
// runs, how far it is behind, what went wrong. Streams write it, "list status"
// reads it.
//
// It owns the words that an administrator sees there (docs/spec/07-commands.md#status). It refuses to
// store anything: what has to survive a restart is in the database. It imports
// only package change.
package status
