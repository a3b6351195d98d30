// Package change is the vocabulary of the data path: change events, rows,
// keys, positions and the names of tables. Every other package points toward
// it; it imports nothing but the standard library.
//
// It owns the shape of what crosses from one package to the next, and the
// layout of a [Row]. It refuses behaviour: how a value is decoded belongs to
// debezium, how types widen to datatype, what an event does to a table to
// history.
package change
