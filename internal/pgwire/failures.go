package pgwire

import (
	"net"
	"sync"
	"time"
)

const (
	// failureMemory is how long a failed login counts.
	failureMemory = time.Minute
	// mostFailures is the number of failed logins after which the delay grows
	// no more.
	mostFailures = 10
	// mostAddresses bounds how many addresses are remembered.
	mostAddresses = 10_000
)

// failures counts failed logins by address. The answer to one is late, the more
// so the more have come from there: guessing on many connections at once does
// not help. Who knows the password never waits.
type failures struct {
	mu   sync.Mutex
	from map[string]failed
}

// failed are the failed logins of an address.
type failed struct {
	count int
	last  time.Time
}

// add notes a failed login and returns how many it counts for, from 1 to
// mostFailures.
func (f *failures) add(addr net.Addr, now time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.from) >= mostAddresses {
		f.forget(now)
	}
	if f.from == nil {
		f.from = make(map[string]failed)
	}
	host := hostOf(addr)
	known := f.from[host]
	if now.Sub(known.last) > failureMemory {
		known.count = 0
	}
	known.count, known.last = min(known.count+1, mostFailures), now
	f.from[host] = known
	return known.count
}

// forget drops what no longer counts, and everything if that is not enough.
func (f *failures) forget(now time.Time) {
	for host, known := range f.from {
		if now.Sub(known.last) > failureMemory {
			delete(f.from, host)
		}
	}
	if len(f.from) >= mostAddresses {
		clear(f.from)
	}
}

// hostOf returns an address without its port. An IPv6 network is one address:
// who has one has all of its 2^64.
func hostOf(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return addr.Network()
	}
	if tcp.IP.To4() == nil {
		const network, bits = 64, 128
		return tcp.IP.Mask(net.CIDRMask(network, bits)).String()
	}
	return tcp.IP.String()
}
