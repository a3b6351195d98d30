// Package bench measures how fast Metadb follows a stream, as a ratio to what
// the same machine can do at best: a raw binary COPY of the same rows into a
// plain table, in the same run.
//
// Broker, database and server are processes of their own; PostgreSQL runs with
// its defaults. The package owns the rows, the phases and the table of ratios.
// It refuses to look into the server: what counts is when a position has been
// stored in the database.
package bench
