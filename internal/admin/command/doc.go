// Package command has the commands of the administration port, each a [Command] in a file of its
// own: its words, its help, the function that reads its statement, its lock, and its effect. [All]
// lists them; parsing, HELP and the list in docs/admin.md follow from it. A new command is a file
// and a line in all.go.
//
// It owns the syntax and the effect of a command, its tag, its notices, and its errors with
// SQLSTATE, position and hint. Package lang owns the lexical rules and the parser, package wire the
// protocol, and the server the streams, which commands start and stop through [Controller].
//
//	query string ──Executor.Parse──▶ lang.Statement ──Exec──▶ Result {columns, rows, tag, notices} or *Error ──▶ wire
package command
