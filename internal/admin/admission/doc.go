// Package admission bounds what clients may take that have not shown who they are:
// places, late answers, and lines of the log.
//
// It owns three rules that every listener of Metadb keeps:
//
//   - [Places]: a newcomer is never refused for want of room. It gets the place of
//     another client, of its own address first, so that whoever fills an address's
//     places reaches nobody else's.
//   - [FailedLogins]: the answer to a failed login is late, but of one client of an address
//     at a time: guessing on many connections takes no places.
//   - [Digest]: a flood of equal events is a few lines and a count, once a minute.
//
// It refuses to know a protocol: pgwire and monitor say what a login is.
package admission
