// Package bench measures how fast Metadb follows a stream, as a ratio to what
// the same machine can do at best: a raw binary COPY of the same rows into a
// plain table, in the same run.
//
// Each part has a broker, a PostgreSQL and a server of its own, as processes;
// PostgreSQL runs with its defaults, but for 1 GB of shared buffers. The package owns
// the rows, the parts and the report: table, CSV, chart, and what limits. It
// refuses to look into the server: what counts is when a position has been
// stored in the database.
package bench
