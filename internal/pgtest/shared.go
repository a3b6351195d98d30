package pgtest

import (
	"os"
	"sync"
	"testing"
)

// process holds the cluster that the tests of one process share. It is the one
// variable of its kind: a test binary has no other place that all its tests
// can reach.
var process shared

type shared struct {
	mu      sync.Mutex
	cluster *Cluster
	made    int
}

// get returns the shared cluster, started if it is not, and a number that no
// other call got.
func (s *shared) get() (*Cluster, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cluster == nil {
		cluster, err := StartCluster(Options{})
		if err != nil {
			return nil, 0, err
		}
		s.cluster = cluster
	}
	s.made++
	return s.cluster, s.made, nil
}

// Main runs a package's tests and stops the cluster that they used. Every
// package that calls [New] has
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
// or, where goleak looks for goroutines,
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(pgtest.Exit)) }
func Main(m *testing.M) { Exit(m.Run()) }

// Exit stops the shared cluster and ends the process with code.
func Exit(code int) {
	process.mu.Lock()
	defer process.mu.Unlock()
	if process.cluster != nil {
		if err := process.cluster.Stop(); err != nil {
			os.Stderr.WriteString("pgtest: " + err.Error() + "\n")
			code = max(code, 1)
		}
	}
	os.Exit(code)
}
