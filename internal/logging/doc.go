// Package logging is where log lines go: standard error or a file, and the
// table metadb.log.
//
// It owns the line format (docs/spec/05-command-line.md#the-log) and the queue in front of the table. It
// refuses to decide what is worth a line: everybody logs through a *slog.Logger
// that the server makes here.
//
//	slog.Logger ──▶ Tee ──▶ Handler ──▶ standard error or file
//	                  └───▶ Table ──bounded queue──▶ metadb.log
//
// Logging never waits for the database: when the queue is full, lines are
// dropped from the table, not from the file, and the table says how many.
package logging
