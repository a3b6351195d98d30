//go:build eager

package pipeline

// Every batch is divided if possible. internal/testkit/chaos builds its server in this way, since
// its batches are small.
const (
	DefaultMinShareEvents = 1
	serialPause           = 0
)
