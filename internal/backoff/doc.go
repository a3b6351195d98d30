// Package backoff has the growing pauses between tries of work that failed, and a sleep that a
// context ends. It does not decide what is tried again: package pipeline decides it for batches
// (retry.go), package server for streams. It imports only the standard library.
package backoff
