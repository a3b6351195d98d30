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

// limit is what is known of the end of an event that comes late, apart from the
// versions of its key.
type limit struct {
	// later is when the next event of the key came, nil if that is not known.
	later *change.Micros
	// truncated is the time of the first truncate that follows the event, 0 if none
	// has been applied.
	truncated change.Micros
	// shared says that what ended at the time of that truncate ended with it: no
	// earlier one has the same time.
	shared bool
	// ended says that the row ended then, with a delete or a truncate: what follows is
	// another version, also where it says the same.
	ended bool
}

// separates reports whether a version that begins where an event ends is another one than
// the event's, whatever it says: the row ended in between.
func (l limit) separates(next *spell) bool {
	return l.ended || l.truncated != 0 && l.truncated == next.start && next.end > next.start
}

// end returns the earliest end.
func (l limit) end() change.Micros {
	end := forever
	if l.later != nil {
		end = *l.later
	}
	if l.truncated != 0 {
		end = min(end, l.truncated)
	}
	return end
}

// among finds the place of an event among the versions of its key, which are in
// their order.
func among(line []spell, at change.Micros, until limit, upsert bool) placing {
	p := placing{start: at, end: until.end()}
	later := until.later
	var next *spell
	for i := range line {
		v := &line[i]
		switch {
		case until.shared && until.truncated == at && v.end == at:
			p.before = v // until the truncate, which shares the time
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
	if !p.rest && next != nil && next.start == p.end && next.equal && !until.separates(next) {
		p.merge = next
		return p
	}
	p.write = true
	return p
}

// repeated reports whether an event that may be a repetition is one: its key had those
// values at that time, or, for a delete, a version with that end, or none that lasted
// through that time.
func repeated(line []spell, at change.Micros, upsert bool) bool {
	lasted := false
	for i := range line {
		v := &line[i]
		lasts := v.start <= at && at < v.end
		switch {
		case upsert && v.equal && (lasts || v.start == at), !upsert && v.end == at && !v.current:
			return true
		}
		lasted = lasted || lasts
	}
	return !upsert && !lasted
}
