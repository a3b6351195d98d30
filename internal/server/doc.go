// Package server is the composition root: it creates the parts of a running server, connects
// them, and starts and stops them in order. [Run] is the program of "metadb start"; serve.go
// creates the parts in this order:
//
//	directory lock ─▶ log ─▶ database lock ─▶ schema ─▶ catalog ─▶ HTTP, port ─▶ streams
//
// When the context ends, or a part fails, all parts stop, and the resources are released in
// the reverse order.
//
// A stream reads one data source. The supervisor owns the streams: it builds a stream from the
// settings that are stored in the database (stream.go), runs its pipeline, and rebuilds it when
// the run ends. The states are those of list status:
//
//	          no topic matches
//	starting ─────────────────▶ waiting
//	   ▲  │                        │ a topic matches
//	   │  └───────────┬────────────┘
//	   │              ▼   a batch or a fetch fails
//	   │           active ◀───────────────────────▶ error
//	   │              │                               │
//	   └── rebuild ◀──┴───────────────────────────────┘
//
// A failure while starting or waiting leads to error as well. The pipeline retries batches and
// fetches by itself. The stream is rebuilt at once if options or origins were altered, the
// database was unreachable, or a command moved a position (errAltered, errFailover, errSkipped).
// If the pipeline returns pipeline.ErrRestart, for example because another server has moved the
// stored positions, the stream is rebuilt at once after a run of more than backoff.LongestPause. In
// all other cases it is rebuilt after a pause of backoff.Default.
//
// Besides, the package implements the interfaces of package command for a running server. The
// command line's side is package client.
//
// Rules about events, tables and commands are in the packages of the parts. Only cmd/metadb and
// tests import this package.
package server
