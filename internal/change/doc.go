// Package change is the vocabulary of the data path: change events, rows,
// keys, positions and the names of tables. Every other package may import it;
// it imports nothing but the standard library.
//
// It owns the types that packages exchange, and the layout of a [Row]. It has
// no behaviour beyond them: package debezium decodes values, datatype widens
// types, history applies events to tables.
package change
