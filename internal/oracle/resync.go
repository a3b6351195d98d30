package oracle

import "metadb/internal/change"

// BeginResync forgets what is confirmed in a table.
func (o *Oracle) BeginResync(name change.Table) {
	if t := o.tables[name]; t != nil {
		for _, v := range t.Versions {
			v.Confirmed = false
		}
	}
}

// EndResync ends the current versions of a table that are not confirmed.
func (o *Oracle) EndResync(name change.Table, at change.Micros) {
	t := o.tables[name]
	if t == nil {
		return
	}
	for _, v := range t.Versions {
		if v.Current() && !v.Confirmed {
			v.end(at)
		}
	}
}
