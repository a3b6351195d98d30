package admission

import (
	"net"
	"slices"
	"sync"
)

// Limits are the limits of places.
type Limits struct {
	// All limits the places of all clients together, Address those of one address.
	All, Address int
	// Local limits the places of this machine, which counts as one address: loopback, and a Unix
	// socket.
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

// Places are a bounded number of clients in one stage, such as those that have not logged in. Every
// new client gets a place; see [Places.Enter] for the client that loses one.
type Places struct {
	limits Limits

	mu sync.Mutex
	// taken contains the places in the order of arrival.
	taken []*Place
	hosts map[string]int
}

// NewPlaces returns places without clients.
func NewPlaces(limits Limits) *Places {
	return &Places{limits: limits, hosts: make(map[string]int)}
}

// Place is the place of one client.
type Place struct {
	places *Places
	host   string
	// silent is true if the client has sent nothing yet.
	silent bool
	// evict ends the client's goroutine after the loss of its place.
	evict func()
}

// Enter gives a client a place. If its address has too many, another client of that address loses
// its place; if all are taken, a client of the address with the most places does. It is the oldest
// silent client or, if all have sent something, the oldest client. Its evict is called then; it
// must not block.
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

// makeRoom removes a place if one more would be too many, and returns it, nil if there is room.
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

// fullestHost returns the host with the most places.
func (p *Places) fullestHost() string {
	most := ""
	for host, n := range p.hosts {
		if n > p.hosts[most] {
			most = host
		}
	}
	return most
}

// freePlace frees a place. It reports whether the place was taken.
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

// Taken returns the number of places that are taken.
func (p *Places) Taken() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.taken)
}

// MarkActive records that the client has sent something: silent clients lose their places first.
func (pl *Place) MarkActive() {
	pl.places.mu.Lock()
	defer pl.places.mu.Unlock()
	pl.silent = false
}

// Leave frees the place. It returns false if the client had lost it.
func (pl *Place) Leave() bool {
	pl.places.mu.Lock()
	defer pl.places.mu.Unlock()
	return pl.places.freePlace(pl)
}
