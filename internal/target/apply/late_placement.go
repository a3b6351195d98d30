package apply

import (
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
)

// versionInterval is a version of a key, for as long as it lasts.
type versionInterval struct {
	id         int64
	ctid       pgtype.TID
	start, end change.Micros
	current    bool
	// sameValues says that it has the values of the event that is to be placed.
	sameValues bool
}

// latePlacement is what an event that comes late does to the versions of its key. From
// its time until the next thing that happened to the key, what the event says
// holds; before and after that everything stays as it is.
type latePlacement struct {
	// noEffect says that the event changes nothing.
	noEffect bool
	// precedingVersion is the version that the event ends, nil if there was none. shortenPreceding
	// says that it ends with the event, and resumePreceding that it had gone on past
	// the event's own end, from where it begins once more.
	precedingVersion                  *versionInterval
	shortenPreceding, resumePreceding bool
	// writeVersion says that the event's row becomes a version from start to end;
	// mergeInto is the version after it where that says the same, which begins
	// with the event then.
	writeVersion bool
	mergeInto    *versionInterval
	start, end   change.Micros
}

// validityLimit is what is known of the end of an event that comes late, apart from the
// versions of its key.
type validityLimit struct {
	// supersededAt is when the next event of the key came, nil if that is not known.
	supersededAt *change.Micros
	// truncatedAt is the time of the first truncate that follows the event, 0 if none
	// has been applied.
	truncatedAt change.Micros
	// endsWithTruncate says that what ended at the time of that truncate ended with it: no
	// earlier one has the same time.
	endsWithTruncate bool
	// rowEnded says that the row ended then, with a delete or a truncate: what follows is
	// another version, also where it says the same.
	rowEnded bool
}

// isSeparateVersion reports whether a version that begins where an event ends is another one than
// the event's, whatever it says: the row ended in between.
func (l validityLimit) isSeparateVersion(next *versionInterval) bool {
	return l.rowEnded || l.truncatedAt != 0 && l.truncatedAt == next.start && next.end > next.start
}

// earliestEnd returns the earliest end.
func (l validityLimit) earliestEnd() change.Micros {
	end := maxTime
	if l.supersededAt != nil {
		end = *l.supersededAt
	}
	if l.truncatedAt != 0 {
		end = min(end, l.truncatedAt)
	}
	return end
}

// decideLatePlacement finds the place of an event between the versions of its key, which are in
// their order.
func decideLatePlacement(versions []versionInterval, at change.Micros, until validityLimit, upsert bool) latePlacement {
	p := latePlacement{start: at, end: until.earliestEnd()}
	later := until.supersededAt
	var next *versionInterval
	for i := range versions {
		v := &versions[i]
		switch {
		case until.endsWithTruncate && until.truncatedAt == at && v.end == at:
			p.precedingVersion = v // until the truncate, which shares the time
		case v.start > at || v.start == at && later != nil && *later <= at:
			// Several events of one transaction share its time.
			if next == nil {
				next = v
			}
		case v.end > at:
			p.precedingVersion = v
		}
	}
	if p.precedingVersion != nil && !p.precedingVersion.current {
		p.end = min(p.end, p.precedingVersion.end)
	}
	if next != nil {
		p.end = min(p.end, next.start)
	}
	p.end = max(p.end, p.start)
	if p.precedingVersion != nil && upsert && p.precedingVersion.sameValues || p.precedingVersion == nil && !upsert {
		p.noEffect = true
		return p
	}
	if p.precedingVersion != nil {
		p.shortenPreceding = true
		p.resumePreceding = p.precedingVersion.end > p.end
	}
	if !upsert {
		return p
	}
	if !p.resumePreceding && next != nil && next.start == p.end && next.sameValues && !until.isSeparateVersion(next) {
		p.mergeInto = next
		return p
	}
	p.writeVersion = true
	return p
}

// isRepetition reports whether an event that may be a repetition is one: its key had those
// values at that time, or, for a delete, a version with that end, or none that lasted
// through that time.
func isRepetition(versions []versionInterval, at change.Micros, upsert bool) bool {
	lasted := false
	for i := range versions {
		v := &versions[i]
		lasts := v.start <= at && at < v.end
		switch {
		case upsert && v.sameValues && (lasts || v.start == at), !upsert && v.end == at && !v.current:
			return true
		}
		lasted = lasted || lasts
	}
	return !upsert && !lasted
}
