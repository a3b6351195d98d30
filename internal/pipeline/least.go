//go:build !eager

package pipeline

// DefaultShareEvents is how many events it takes to keep a session busy for longer than
// its transaction costs.
const DefaultShareEvents = 250
