// Package admission bounds the resources of clients that are not authenticated: places, delayed
// answers, and lines of the log.
//
// It owns three rules for every listener of Metadb:
//
//   - [Places]: a new client is never refused for lack of places. It gets the place of another
//     client, of its own address first, so that a client that fills the places of an address evicts
//     no client of another one.
//   - [FailedLogins]: the answer to a failed login is delayed, but only one answer to an address at
//     a time: guessing on many connections takes no places.
//   - [Digest]: of a flood of equal events a few are logged, and the others are counted, once a
//     minute.
//
// It is independent of protocols: packages wire and monitor decide which events are failed logins.
package admission
