package history

import "metadb/internal/change"

// VersionInterval is a version of a key with its validity range.
type VersionInterval struct {
	ID         int64
	CTID       CTID
	Start, End change.Micros
	Current    bool
	// SameValues is true if the version has the values of the late event.
	SameValues bool
}

// LatePlacement is the effect of a late event on the versions of its key. The event is valid from
// its time to the next event of the key. Before and after that the history does not change.
type LatePlacement struct {
	// NoEffect is true if the event changes nothing.
	NoEffect bool
	// PrecedingVersion is the version before the event, or nil. ShortenPreceding is true if it ends
	// at the event, ResumePreceding if it lasts beyond the event's end and must be written again
	// from there.
	PrecedingVersion                  *VersionInterval
	ShortenPreceding, ResumePreceding bool
	// WriteVersion is true if the event's row becomes a version from start to end. MergeInto is the
	// version after the event if it has the same values; it then begins at the event.
	WriteVersion bool
	MergeInto    *VersionInterval
	Start, End   change.Micros
}

// ValidityLimit contains the limits of a late event's validity that do not come from the versions
// of its key.
type ValidityLimit struct {
	// SupersededAt is the time of the next event of the key, or nil if it is unknown.
	SupersededAt *change.Micros
	// TruncatedAt is the time of the first applied truncate that follows the event, or 0.
	TruncatedAt change.Micros
	// EndsWithTruncate is true if no earlier truncate has the time of that truncate, so that
	// versions with this end ended with it.
	EndsWithTruncate bool
	// RowEnded is true if the row ended at that time, by a delete or a truncate: the next version
	// is a separate one, even if its values are equal.
	RowEnded bool
}

// isSeparateVersion reports whether a version that begins at the end of the event is separate from
// the event's even if its values are equal, because the row ended in between.
func (l ValidityLimit) isSeparateVersion(next *VersionInterval) bool {
	return l.RowEnded || l.TruncatedAt != 0 && l.TruncatedAt == next.Start && next.End > next.Start
}

// earliestEnd returns the earlier of the two limits, or MaxTime.
func (l ValidityLimit) earliestEnd() change.Micros {
	end := MaxTime
	if l.SupersededAt != nil {
		end = *l.SupersededAt
	}
	if l.TruncatedAt != 0 {
		end = min(end, l.TruncatedAt)
	}
	return end
}

// DecideLatePlacement finds the placement of an event among the versions of its key, which are in
// order of time.
func DecideLatePlacement(versions []VersionInterval, at change.Micros, until ValidityLimit, upsert bool) LatePlacement {
	p := LatePlacement{Start: at, End: until.earliestEnd()}
	later := until.SupersededAt
	var next *VersionInterval
	for i := range versions {
		v := &versions[i]
		switch {
		case until.EndsWithTruncate && until.TruncatedAt == at && v.End == at:
			p.PrecedingVersion = v // until the truncate, which shares the time
		case v.Start > at || v.Start == at && later != nil && *later <= at:
			// Several events of one transaction share its time.
			if next == nil {
				next = v
			}
		case v.End > at:
			p.PrecedingVersion = v
		}
	}
	if p.PrecedingVersion != nil && !p.PrecedingVersion.Current {
		p.End = min(p.End, p.PrecedingVersion.End)
	}
	if next != nil {
		p.End = min(p.End, next.Start)
	}
	p.End = max(p.End, p.Start)
	if p.PrecedingVersion != nil && upsert && p.PrecedingVersion.SameValues || p.PrecedingVersion == nil && !upsert {
		p.NoEffect = true
		return p
	}
	if p.PrecedingVersion != nil {
		p.ShortenPreceding = true
		p.ResumePreceding = p.PrecedingVersion.End > p.End
	}
	if !upsert {
		return p
	}
	if !p.ResumePreceding && next != nil && next.Start == p.End && next.SameValues && !until.isSeparateVersion(next) {
		p.MergeInto = next
		return p
	}
	p.WriteVersion = true
	return p
}

// IsRepetition reports whether a suspect event was applied before: an upsert if its key had its
// values at that time; a delete if a version ended at that time, or no version was valid through
// it.
func IsRepetition(versions []VersionInterval, at change.Micros, upsert bool) bool {
	lasted := false
	for i := range versions {
		v := &versions[i]
		lasts := v.Start <= at && at < v.End
		switch {
		case upsert && v.SameValues && (lasts || v.Start == at), !upsert && v.End == at && !v.Current:
			return true
		}
		lasted = lasted || lasts
	}
	return !upsert && !lasted
}
