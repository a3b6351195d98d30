package batch

import (
	"slices"
	"time"

	"metadb/internal/change"
)

// Each year of a table's history is a partition. A transaction that creates or writes many of
// them takes many locks of PostgreSQL's table of locks, which all sessions share. So a batch has
// events of a few years of each table; later events belong to the next batch.

// Years has the years of a batch's events, by source table.
type Years struct {
	tables map[change.Table]*tableYears
	// lastTable is the table of the last event, last its years.
	lastTable change.Table
	last      *tableYears
}

// tableYears has the years of one table. from and to are the bounds of the last one found.
type tableYears struct {
	from, to change.Micros
	all      []int
}

// AddYear adds the year of an event, unless the table has the maximum already. It reports
// whether the event may be added to the batch.
func (y *Years) AddYear(e *change.Event, most int) bool {
	switch e.Op {
	case change.Upsert, change.Delete, change.Truncate:
	case change.Ignore, change.Reject:
		return true
	}
	if y.last == nil || y.lastTable != e.Source {
		y.last, y.lastTable = y.ensureTable(e.Source), e.Source
	}
	of := y.last
	if of.from <= e.Time && e.Time < of.to {
		return true
	}
	year := e.Time.UTC().Year()
	if !slices.Contains(of.all, year) {
		if len(of.all) >= most {
			return false
		}
		of.all = append(of.all, year)
	}
	of.from = change.Micros(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	of.to = change.Micros(time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro())
	return true
}

// ensureTable returns the years of a table.
func (y *Years) ensureTable(table change.Table) *tableYears {
	of := y.tables[table]
	if of == nil {
		if y.tables == nil {
			y.tables = make(map[change.Table]*tableYears)
		}
		of = &tableYears{}
		y.tables[table] = of
	}
	return of
}

// CountYears returns the highest number of years of a table's events.
func (b *Batch) CountYears() int {
	var found Years
	for i := range b.Events {
		found.AddYear(&b.Events[i], len(b.Events))
	}
	most := 0
	for _, of := range found.tables {
		most = max(most, len(of.all))
	}
	return most
}
