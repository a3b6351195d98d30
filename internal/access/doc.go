// Package access keeps who may read what: the users of metadb.auth, what
// metadb.acl grants them, and the privileges in PostgreSQL that follow from it.
//
// It owns both tables. What is granted is a wish that outlives the object: where
// a table or function is made anew, or comes later, Restore gives the privileges
// again. It refuses to touch roles that are not registered, and to decide about
// the administration port. Everything here is done in a transaction of the
// superuser's, who alone can make roles and grant on what users own.
package access
