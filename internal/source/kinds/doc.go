// Package kinds composes the kinds of data sources that this program reads, with what each needs:
// for Kafka the decoder of its records. The server and the command line's offline commands share it.
// A kind more is a line in [All].
//
// It refuses everything else: what a kind is belongs to package source, how one reads to its own
// package.
package kinds
