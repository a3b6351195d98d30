// Package pgcode has PostgreSQL's SQLSTATEs that this program uses: those that it returns to clients
// of the administration port, and those by which it decides about an error of the database. The
// constants have PostgreSQL's own names of the conditions.
//
// The package imports the standard library only, so that pure packages can use it. A test holds
// that no other package has an SQLSTATE of its own.
// https://www.postgresql.org/docs/current/errcodes-appendix.html
package pgcode
