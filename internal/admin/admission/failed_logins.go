package admission

import (
	"net"
	"sync"
	"time"
)

const (
	// failureMemory is how long a failed login counts.
	failureMemory = time.Minute
	// maxFailures is the number of failed logins after which the delay grows
	// no more.
	maxFailures = 10
	// maxHosts bounds how many addresses are remembered.
	maxHosts = 10_000
)

// FailedLogins counts failed logins by address. The answer to one is late, the more so the more
// have come from there, but one at a time: while an answer waits, further failures of that address are
// answered at once. Who knows the password never waits.
type FailedLogins struct {
	mu   sync.Mutex
	from map[string]*failedLogins
}

// failedLogins are the failed logins of an address.
type failedLogins struct {
	count int
	last  time.Time
	// delayed says that an answer waits.
	delayed bool
}

// Add notes a failed login. It returns how many it counts for, from 1 to 10, and what is to be
// called once its answer has waited for so long; nil if the answer must not wait.
func (f *FailedLogins) Add(addr net.Addr, now time.Time) (count int, answered func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.from) >= maxHosts {
		f.dropExpired(now)
	}
	if f.from == nil {
		f.from = make(map[string]*failedLogins)
	}
	host := Host(addr)
	known := f.from[host]
	if known == nil || now.Sub(known.last) > failureMemory && !known.delayed {
		known = &failedLogins{}
		f.from[host] = known
	}
	known.count, known.last = min(known.count+1, maxFailures), now
	if known.delayed {
		return known.count, nil
	}
	known.delayed = true
	return known.count, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		known.delayed = false
	}
}

// dropExpired drops what no longer counts, and everything if that is not enough.
func (f *FailedLogins) dropExpired(now time.Time) {
	for host, known := range f.from {
		if now.Sub(known.last) > failureMemory {
			delete(f.from, host)
		}
	}
	if len(f.from) >= maxHosts {
		clear(f.from)
	}
}
