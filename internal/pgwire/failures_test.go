package pgwire

import (
	"net"
	"testing"
	"time"
)

// TestFailures checks what failed logins count for.
func TestFailures(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	f := &failures{}
	steps := []struct {
		from  string
		after time.Duration
		want  int
	}{
		{"192.0.2.1", 0, 1},
		{"192.0.2.1", time.Second, 2},
		{"192.0.2.2", time.Second, 1},
		{"192.0.2.1", time.Minute, 3},
		{"192.0.2.1", 3 * time.Minute, 1},
		{"2001:db8::1", 0, 1},
		{"2001:db8::ffff", 0, 2},
		{"2001:db8:0:1::1", 0, 1},
	}
	for i, step := range steps {
		// Another port is the same address.
		addr := &net.TCPAddr{IP: net.ParseIP(step.from), Port: 1000 + i}
		if got := f.add(addr, start.Add(step.after)); got != step.want {
			t.Errorf("step %d, %s: %d, want %d", i, step.from, got, step.want)
		}
	}
	for range 2 * mostFailures {
		f.add(&net.UnixAddr{Net: "unix"}, start)
	}
	if got := f.add(&net.UnixAddr{Net: "unix"}, start); got != mostFailures {
		t.Errorf("many failures count for %d, want %d", got, mostFailures)
	}
}

// TestFailuresAreBounded fails from more addresses than are remembered.
func TestFailuresAreBounded(t *testing.T) {
	t.Parallel()
	f := &failures{}
	now := time.Now()
	for i := range 2*mostAddresses + 1 {
		f.add(&net.TCPAddr{IP: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i))}, now)
		if len(f.from) > mostAddresses {
			t.Fatalf("%d addresses", len(f.from))
		}
	}
}
