// Package server is the composition root: it makes every part, joins them, and
// says in which order they start and stop. [Run] is that order, in one function,
// and [serve] the wiring; stream.go is the line that data travel, for one source.
//
//	data directory lock ─▶ log ─▶ database ─▶ one-server lock ─▶ schema ─▶ catalog ─▶ port ─▶ streams
//
// Stopping goes the other way. A stream is supervised: it is built from what is
// stored in the database, runs until something is wrong with it, and is built
// again.
//
//	     ┌─────────── pause, growing to 30 s ◀──────────┐
//	     ▼                                              │ error
//	starting ──topics match──▶ active ──────────────────┤
//	     │                       │ positions moved      │
//	     │ none matches          └──▶ starting, at once │
//	     └──▶ waiting ──────────────────────────────────┘
//
// The package owns no rule about events, tables or commands: those are the
// parts'. Only the command line stands above it.
package server
