// Package oracle is a slow and obvious model of the history rules (docs/spec/01-tables.md#history-rules): it
// reads change events one after the other and keeps every version of every row
// in memory, as text. Tests compare what package history makes of the same
// events with it.
//
// It owns one reading of the rules, written without regard to speed, batches or
// SQL. It refuses what is not a rule about rows: names, filters, what is rejected
// and why, positions. For tests only.
package oracle
