// Package serverlock makes sure that one server at a time works on a database. [Lock] holds the
// lock metadb.server_lock in an open transaction of a session of its own, and takes it again after
// that session is lost:
//
//	           the session is lost             another server has it
//	held ───────────────────────────▶ lost ───────────────────────────▶ ErrInUse
//	  ▲                                │
//	  └────── connected and taken ─────┘  OnFailover: commits may be lost with the old session
//
// It also excludes servers of older programs, which had an advisory lock. It owns the two locks and
// the statements about them; the schema that contains them is made by package metaschema.
package serverlock
