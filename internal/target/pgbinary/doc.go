// Package pgbinary sends rows and parameters to PostgreSQL, and reads results, in its binary
// formats, which change.Row has too: a row of the stream passes without being decoded.
//
// It owns the COPY stream (CopyStream), the encoding of fields and arrays, and statements with binary
// parameters and results (Query, Exec). It refuses to build statements and to interpret values: its
// callers, internal/target/apply and the packages beside it, do both. The formats of single types are
// in internal/datatype.
package pgbinary
