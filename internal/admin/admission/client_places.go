package admission

import (
	"net"
	"slices"
	"sync"
)

// Limits are how many clients may have places.
type Limits struct {
	// All is for all clients together, Address for those of one address.
	All, Address int
	// Local is for those of this machine, which share one address: loopback, and
	// a Unix socket.
	Local int
}

// limitFor returns the limit of a host.
func (l Limits) limitFor(host string) int {
	switch host {
	case loopbackHost, "unix":
		return l.Local
	}
	return l.Address
}

// Places are a bounded number of clients in one stage of their life, such as those that
// have not logged in. Whoever comes gets one; see [Places.Enter] for whose it is.
type Places struct {
	limits Limits

	mu sync.Mutex
	// taken are in the order of arrival.
	taken []*Place
	hosts map[string]int
}

// NewPlaces returns places, all free.
func NewPlaces(limits Limits) *Places {
	return &Places{limits: limits, hosts: make(map[string]int)}
}

// Place is a client's.
type Place struct {
	places *Places
	host   string
	// silent says that the client has said nothing yet.
	silent bool
	// evict tells the client's goroutine that the place is gone.
	evict func()
}

// Enter gives a client a place. Where its address has too many, or all are taken, somebody
// loses one: of that address, or of the one that has most, whoever came first of those that have
// said nothing yet, or whoever came first. Its evict is called then; it must not block.
func (p *Places) Enter(addr net.Addr, evict func()) *Place {
	place := &Place{places: p, host: Host(addr), silent: true, evict: evict}
	p.mu.Lock()
	lost := p.makeRoom(place.host)
	p.taken = append(p.taken, place)
	p.hosts[place.host]++
	p.mu.Unlock()
	if lost != nil {
		lost.evict()
	}
	return place
}

// makeRoom takes a place away if one more would be too many. It returns whose, nil for
// nobody's.
func (p *Places) makeRoom(host string) *Place {
	switch {
	case p.hosts[host] >= p.limits.limitFor(host):
	case len(p.taken) >= p.limits.All:
		host = p.fullestHost()
	default:
		return nil
	}
	var lost *Place
	for _, place := range p.taken {
		if place.host == host && (lost == nil || place.silent && !lost.silent) {
			lost = place
		}
	}
	p.freePlace(lost)
	return lost
}

// fullestHost returns the host that has most places.
func (p *Places) fullestHost() string {
	most := ""
	for host, n := range p.hosts {
		if n > p.hosts[most] {
			most = host
		}
	}
	return most
}

// freePlace frees a place. It reports false if it was not taken.
func (p *Places) freePlace(place *Place) bool {
	i := slices.Index(p.taken, place)
	if i < 0 {
		return false
	}
	p.taken = slices.Delete(p.taken, i, i+1)
	if p.hosts[place.host]--; p.hosts[place.host] == 0 {
		delete(p.hosts, place.host)
	}
	return true
}

// Taken is how many places are.
func (p *Places) Taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.taken)
}

// MarkActive says that the client has said something: those that have not lose their places
// before it does.
func (pl *Place) MarkActive() {
	pl.places.mu.Lock()
	defer pl.places.mu.Unlock()
	pl.silent = false
}

// Leave frees the place. It reports false if the client had lost it.
func (pl *Place) Leave() bool {
	pl.places.mu.Lock()
	defer pl.places.mu.Unlock()
	return pl.places.freePlace(pl)
}
