package apply

import (
	"github.com/jackc/pgx/v5/pgtype"

	"metadb/internal/change"
)

// versionInterval is a version of a key with its validity range.
type versionInterval struct {
	id         int64
	ctid       pgtype.TID
	start, end change.Micros
	current    bool
	// sameValues is true if the version has the values of the late event.
	sameValues bool
}

// latePlacement is the effect of a late event on the versions of its key. The event is valid from
// its time to the next event of the key. Before and after that the history does not change.
type latePlacement struct {
	// noEffect is true if the event changes nothing.
	noEffect bool
	// precedingVersion is the version before the event, or nil. shortenPreceding is true if it ends
	// at the event, resumePreceding if it lasts beyond the event's end and must be written again
	// from there.
	precedingVersion                  *versionInterval
	shortenPreceding, resumePreceding bool
	// writeVersion is true if the event's row becomes a version from start to end. mergeInto is the
	// version after the event if it has the same values; it then begins at the event.
	writeVersion bool
	mergeInto    *versionInterval
	start, end   change.Micros
}

// validityLimit contains the limits of a late event's validity that do not come from the versions
// of its key.
type validityLimit struct {
	// supersededAt is the time of the next event of the key, or nil if it is unknown.
	supersededAt *change.Micros
	// truncatedAt is the time of the first applied truncate that follows the event, or 0.
	truncatedAt change.Micros
	// endsWithTruncate is true if no earlier truncate has the time of that truncate, so that
	// versions with this end ended with it.
	endsWithTruncate bool
	// rowEnded is true if the row ended at that time, by a delete or a truncate: the next version
	// is a separate one, even if its values are equal.
	rowEnded bool
}

// isSeparateVersion reports whether a version that begins at the end of the event is separate from
// the event's even if its values are equal, because the row ended in between.
func (l validityLimit) isSeparateVersion(next *versionInterval) bool {
	return l.rowEnded || l.truncatedAt != 0 && l.truncatedAt == next.start && next.end > next.start
}

// earliestEnd returns the earlier of the two limits, or maxTime.
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

// decideLatePlacement finds the placement of an event among the versions of its key, which are in
// order of time.
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

// isRepetition reports whether a suspect event was applied before: an upsert if its key had its
// values at that time; a delete if a version ended at that time, or no version was valid through
// it.
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
