// Package grudge tests that an analyst can't stop the stream. A role that "create user" has made, with
// access to everything, does at random whatever its rights allow: it holds locks in idle transactions,
// takes advisory locks, exhausts connections and locks, grants and revokes what is its own, makes
// tables that are named like ours. Meanwhile ten tables stream, and how late each is is measured
// all the time.
//
// It owns the grudge and the measurement. It refuses to know how the server bears it.
package grudge
