//go:build eager

package pipeline

// Every batch is divided that can be: internal/torture builds its server so, whose
// batches are small.
const (
	DefaultShareEvents = 1
	alonePause         = 0
)
