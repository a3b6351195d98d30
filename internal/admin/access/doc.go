// Package access manages the right to read: the users in metadb.auth, their grants in metadb.acl,
// and the privileges in PostgreSQL that follow from them.
//
// It owns both tables. A grant outlives its object: when a table or function is created or replaced
// later, the privileges are granted again. The package does not change roles that are not
// registered; the administration port decides which roles may log in there.
//
// A command is a [Session] of two transactions. The system user's one reads and writes the schema
// metadb and grants privileges on the system user's objects. Statements that need more rights are
// those of type administrator: their transaction reads only pg_catalog, so that no trigger, view or
// function of a role with fewer rights runs with the administrator's. docs/security.md lists the
// statements.
//
//	Session ──▶ registry      metadb.auth and metadb.acl: who is registered, what is granted
//	   │
//	   ├──────▶ privileges    what follows in PostgreSQL: GRANT and REVOKE
//	   │            │
//	   └──▶ transactions ◀────┘   the system user's, and the administrator's once it is needed;
//	                              the order of their commits, and what runs while no batch is applied
package access
