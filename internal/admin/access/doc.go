// Package access keeps who may read what: the users of metadb.auth, what
// metadb.acl grants them, and the privileges in PostgreSQL that follow from it.
//
// It owns both tables. What is granted is a wish that outlives the object: where
// a table or function is made anew, or comes later, the privileges are given
// again. It refuses to touch roles that are not registered, and to decide about
// the administration port.
//
// A command is a [Session] of two transactions. The system user's reads and
// writes the schema metadb and grants on what the system user owns. What needs
// more rights is a statement of type administrator, and there are no others: its
// transaction reads nothing but pg_catalog, so that no trigger, view or function
// of a lower role runs with its rights. docs/security.md lists the statements.
package access
