// Package scram makes SCRAM-SHA-256 verifiers: what a server has to know of a
// password to check it, and what PostgreSQL stores in its place.
//
// It owns how a password is prepared and hashed. It refuses to keep passwords,
// and speaks no protocol: the exchange is internal/admin/wire's.
package scram
