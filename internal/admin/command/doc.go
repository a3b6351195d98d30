// Package command carries out the commands of the administration port: one
// statement per file.
//
// It owns what a command means, its tag, its notices and its errors with
// SQLSTATE, position and hint. It refuses the grammar, which is adminlang's,
// the protocol, which is pgwire's, and running streams: it asks the server to
// start and stop them through [Controller].
//
//	adminlang.Command ──Exec──▶ Result {columns, rows, tag, notices} or *Error ──▶ pgwire
package command
