// Package grudge tests that an analyst can't stop the stream. A role that "create user" has
// created, with access to everything, does at random all that its privileges allow: it holds
// locks in idle transactions, takes advisory locks, exhausts connections and locks, grants and
// revokes privileges on its own objects, and creates tables with the names of the server's.
// Meanwhile ten tables stream, and the lateness of each is measured all the time.
//
// The package does not depend on how the server resists.
package grudge
