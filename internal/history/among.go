package history

import (
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
)

// spell is a version of a key, for as long as it lasts.
type spell struct {
	id         int64
	place      pgtype.TID
	start, end change.Micros
	current    bool
	// equal says that it has the values of the event that is to be placed.
	equal bool
}

// placing is what an event that comes late does to the versions of its key. From
// its time until the next thing that happened to the key, what the event says
// holds; before and after that everything stays as it is.
type placing struct {
	// nothing says that the event changes nothing.
	nothing bool
	// before is the version that the event ends, nil if none was there. cut
	// says that it ends with the event, and rest that it had gone on past
	// the event's own end, from where it begins once more.
	before    *spell
	cut, rest bool
	// write says that the event's row becomes a version from start to end;
	// merge is the version after it where that says the same, which begins
	// with the event then.
	write      bool
	merge      *spell
	start, end change.Micros
}

// among finds the place of an event among the versions of its key, which are in
// their order. later is when the next event of the key came, nil if that is only
// known from the versions.
func among(line []spell, at change.Micros, later *change.Micros, upsert bool) placing {
	p := placing{start: at, end: forever}
	if later != nil {
		p.end = *later
	}
	var next *spell
	for i := range line {
		v := &line[i]
		switch {
		case v.start > at || v.start == at && later != nil && *later <= at:
			// Several events of one transaction share its time.
			if next == nil {
				next = v
			}
		case v.end > at:
			p.before = v
		}
	}
	if p.before != nil && !p.before.current {
		p.end = min(p.end, p.before.end)
	}
	if next != nil {
		p.end = min(p.end, next.start)
	}
	p.end = max(p.end, p.start)
	if p.before != nil && upsert && p.before.equal || p.before == nil && !upsert {
		p.nothing = true
		return p
	}
	if p.before != nil {
		p.cut = true
		p.rest = p.before.end > p.end
	}
	if !upsert {
		return p
	}
	if !p.rest && next != nil && next.start == p.end && next.equal {
		p.merge = next
		return p
	}
	p.write = true
	return p
}
