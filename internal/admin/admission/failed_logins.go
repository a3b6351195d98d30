package admission

import (
	"net"
	"sync"
	"time"
)

const (
	// failureMemory is the time for which a failed login counts.
	failureMemory = time.Minute
	// maxFailures is the number of failed logins beyond which the delay does not grow.
	maxFailures = 10
	// maxHosts bounds the number of addresses with failed logins.
	maxHosts = 10_000
)

// FailedLogins counts failed logins by address. The answer to a failed login is delayed, the longer
// the more have come from its address, but one answer at a time: meanwhile further failures of that
// address are answered at once. A login with the right password is never delayed.
type FailedLogins struct {
	mu   sync.Mutex
	from map[string]*failedLogins
}

// failedLogins contains the failed logins of an address.
type failedLogins struct {
	count int
	last  time.Time
	// delayed is true while an answer is delayed.
	delayed bool
}

// Add records a failed login. It returns the number of recent failures, from 1 to 10, and a
// function to be called after the delayed answer; it is nil if the answer must not be delayed.
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

// dropExpired removes the addresses without recent failures, and all addresses if that is not
// enough.
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
