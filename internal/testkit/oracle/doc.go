// Package oracle is a slow and obvious model of the history rules (docs/spec/01-tables.md#history-rules): it
// reads change events one after the other and keeps every version of every row
// in memory, as text. Tests compare the tables of package history with it, for
// the same events.
//
// It owns one reading of the rules, written without regard to speed, batches or
// SQL. It covers rules about rows only, not names, filters, reasons for rejecting
// or positions. For tests only.
package oracle
