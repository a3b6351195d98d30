// Package command executes the commands of the administration port: one statement per file.
//
// It owns the effect of a command, its tag, its notices, and its errors with SQLSTATE, position and
// hint. Package lang owns the grammar, package wire the protocol, and the server the streams, which
// commands start and stop through [Controller].
//
//	lang.Command ──Exec──▶ Result {columns, rows, tag, notices} or *Error ──▶ wire
package command
