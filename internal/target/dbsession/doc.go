// Package dbsession opens the sessions of PostgreSQL that Metadb works in, and is the
// one place that says which settings they have.
//
// A setting can be given to a role, to a database, or to a role in a database, and holds
// for each new session of theirs. What an administrator sets for people must not change
// what Metadb does, so that a session begins with Connect or Configure, which set all
// that results, waiting or the parsing of statements depend on. What only makes PostgreSQL faster or
// slower (work_mem, shared_buffers, costs of the planner) stays the administrator's, but in the
// sessions that apply batches (Stream). Settings that a server version does not have are left out.
//
// Require tells a database that can't be used: too old, or not in UTF8. ConnectExclusive tells a
// pooler that lends one connection of the database to several sessions.
package dbsession
