// Package scram makes SCRAM-SHA-256 verifiers: a server checks passwords with them, and PostgreSQL
// stores them in place of passwords.
//
// It owns the preparation and hashing of passwords. It stores no passwords; the exchange is in
// internal/admin/wire.
package scram
