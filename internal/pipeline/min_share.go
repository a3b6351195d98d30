//go:build !eager

package pipeline

import "time"

const (
	// DefaultMinShareEvents is the number of events that keep a session busy for longer than
	// the cost of its transaction.
	DefaultMinShareEvents = 250

	// serialPause is how long a single session applies all batches after a share has failed:
	// the cause, such as a database without a free connection, would make the next batch
	// fail too.
	serialPause = 30 * time.Second
)
