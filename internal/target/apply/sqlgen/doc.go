// Package sqlgen builds the statements of a batch from the columns of a table.
//
// It owns the text of every statement that depends on a table's columns, and the layout of a stage
// (Stage). It refuses to run statements and to decide which one is needed: internal/target/apply and
// internal/target/transformed do. Identifiers are quoted by their type (ident.Name), values are
// parameters only; all other text is constant in this package.
//
// In all statements s is a row of a stage, c a row of the target table, e an element of the array
// parameters. testdata shows each statement for three tables: a plain one, one with a NULL in a key of
// two columns, and one with a text key. `make golden` writes these files.
package sqlgen
