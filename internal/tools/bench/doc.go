// Package bench measures how fast Metadb follows a stream, as a ratio to the best rate of the same
// machine: a raw binary COPY of the same rows into a plain table, in the same run.
//
// Each part has a broker, a PostgreSQL and a server of its own, as processes; PostgreSQL runs with
// its defaults, but for 1 GB of shared buffers. The package owns the rows, the parts and the
// report: table, CSV, chart, and the limiting program. It refuses to measure inside the server: an
// event is applied when its position is stored in the database.
package bench
