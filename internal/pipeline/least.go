//go:build !eager

package pipeline

import "time"

const (
	// DefaultShareEvents is how many events it takes to keep a session busy for longer
	// than its transaction costs.
	DefaultShareEvents = 250

	// alonePause is how long one session applies all by itself after a share has failed:
	// what is in the way of two at once, such as a database with no connection left, would
	// be in the way of the next batch too.
	alonePause = 30 * time.Second
)
