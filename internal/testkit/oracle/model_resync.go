package oracle

import (
	"slices"

	"metadb/internal/change"
)

// BeginResync makes all versions of a table unconfirmed.
func (o *Oracle) BeginResync(name change.Table) {
	if t := o.tables[name]; t != nil {
		for _, v := range t.Versions {
			v.Confirmed, v.Confirming = false, nil
		}
	}
}

// RecountConfirmed leaves only those versions of a table confirmed that an event confirmed for which
// counts returns true.
func (o *Oracle) RecountConfirmed(name change.Table, counts func(change.Event) bool) {
	t := o.tables[name]
	if t == nil {
		return
	}
	for _, v := range t.Versions {
		v.Confirming = slices.DeleteFunc(v.Confirming, func(e change.Event) bool { return !counts(e) })
		v.Confirmed = len(v.Confirming) > 0
	}
}

// EndResync ends the current versions of a table that are not confirmed.
func (o *Oracle) EndResync(name change.Table, at change.Micros) {
	t := o.tables[name]
	if t == nil {
		return
	}
	for _, v := range t.Versions {
		if v.IsCurrent() && !v.Confirmed {
			v.endAt(at)
		}
	}
}
