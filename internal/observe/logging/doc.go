// Package logging writes log lines to standard error or a file, and to the table metadb.log.
//
// It owns the line format (docs/spec/05-command-line.md#the-log) and the queue in front of the
// table. It refuses to decide which events are logged: all packages log through a *slog.Logger that
// the server makes of these handlers.
//
//	slog.Logger ──▶ Tee ──▶ Handler ──▶ standard error or file
//	                  └───▶ Table ──bounded queue──▶ metadb.log
//
// Logging never waits for the database: when the queue is full, lines are dropped from the table,
// not from the file, and a line in the table has their number.
package logging
