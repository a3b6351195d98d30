// Package maintenance runs the periodic work of a running server. A [Job] is one kind of work; the
// [Runner] runs all jobs side by side, each in a goroutine of its own:
//
//	           Every, or Wake               a source synchronizes, and the job pauses then
//	waiting ─────────────────▶ running ──────────────────────────────────────────────────▶ paused
//	   ▲                        │   ▲                                                         │
//	   └──── done, or failed ◀──┘   └──────────── all sources are in normal mode again ◀──────┘
//
// It owns the order of runs, their state for /status and the metrics (status.Job), and the log of
// failures: a failure is logged once until another one follows or a run succeeds. The jobs here are
// the history partitions of the coming year, the retention of metadb.log, ANALYZE after a
// synchronization, and granted rights. Package server adds those that concern streams. A new job is a
// file with a function that returns it, and a line in package server (jobs.go).
package maintenance
