// Package dbsession opens the PostgreSQL sessions of Metadb, and owns their settings.
//
// Settings can be made for a role, a database, or a role in a database, and apply to each new
// session. Settings that an administrator makes for users must not change the behaviour of Metadb.
// So a session begins with Connect or Configure, which set each parameter on which results, waiting
// or the parsing of statements depend. Parameters that only affect speed (work_mem, shared_buffers,
// costs of the planner) stay the administrator's, except in the sessions that apply batches
// (Stream). Settings that a server version does not have are left out.
//
// Require detects a database that can't be used: too old, or not in UTF8. ConnectExclusive detects
// a pooler that shares one connection to the database between sessions. ConnectRole connects as a
// role of metadb.conf; its errors have the remedy. ShutdownReason keeps the reason that PostgreSQL
// gives when it shuts down.
package dbsession
