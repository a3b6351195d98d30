//go:build eager

package pipeline

// DefaultShareEvents has every batch divided that can be: internal/torture builds its
// server so, whose batches are small.
const DefaultShareEvents = 1
