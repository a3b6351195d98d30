//go:build e2e

package monitor_test

import (
	"context"
	"fmt"
	"math"
	"time"

	"metadb/internal/change"
	"metadb/internal/observe/monitor"
	"metadb/internal/observe/status"
)

// pageState is a state that the page has to show.
type pageState struct {
	set func(s *status.Source)
	// says contains texts that must be on the page.
	says []string
	// rejected is true if there are rejected events.
	rejected bool
	// trouble is the error of the database.
	trouble string
}

func pageStates() map[string]pageState {
	const loan, item = "library.loan", "library.item"
	return map[string]pageState{
		"snapshot": {
			set:  func(s *status.Source) { s.SetStream(status.Active, ""); s.SetSync(status.Snapshot); s.SetLag(48200) },
			says: []string{"active, snapshot", "48,200", "All is well"},
		},
		"normal": {
			set:  func(s *status.Source) { s.SetStream(status.Active, ""); s.SetSync(status.Normal); s.SetLag(0) },
			says: []string{"active", "All is well", "Events waiting over the last hour", "library.patron", "Last change", "98,765,432"},
		},
		"resync": {
			set: func(s *status.Source) {
				s.SetStream(status.Active, "")
				s.SetSync(status.Snapshot)
				s.SetLag(1200)
				s.ConfirmedRows().SetCounts(2_000_000, 830_000)
				s.ConfirmedRows().SetTableCounts("library.patron", 500_000, 500_000)
				s.ConfirmedRows().SetTableCounts(loan, 1_000_000, 330_000)
				s.ConfirmedRows().SetTableCounts(item, 500_000, 0)
			},
			says: []string{
				"830,000 of 2,000,000 rows confirmed", "330,000 of 1,000,000 rows confirmed", loan, item,
				"wholly confirmed: 1 table",
			},
		},
		"error": {
			set: func(s *status.Source) {
				s.SetStream(status.Error, "ask broker.example.org:9092 for topics: unable to dial: connection refused; check brokers, and whether Kafka runs")
				s.SetSync(status.Normal)
			},
			says: []string{"Asks for attention: library", "connection refused", "Nothing is applied until this is mended", "since"},
		},
		"database": {
			set:     func(s *status.Source) { s.SetStream(status.Active, ""); s.SetSync(status.Normal) },
			trouble: "the database does not answer: dial tcp 192.0.2.1:5432: connect: connection refused",
			says:    []string{"Asks for attention: the database", "connection refused. What is shown of tables"},
		},
		"parked": {
			set: func(s *status.Source) {
				s.SetParked([]string{loan}, "table library.loan waits, the others go on: canceling statement due to lock timeout")
				s.SetSync(status.Normal)
			},
			says: []string{"table library.loan waits", "until what is in their way is gone"},
		},
		"rejected": {
			set: func(s *status.Source) {
				s.SetStream(status.Active, "")
				s.SetSync(status.Normal)
				s.SetLag(0)
				s.SetRejected(1205)
			},
			rejected: true,
			says: []string{
				"1,204: PostgreSQL refuses a value", "1: the record, or a value in it, can’t be read", "library_1.library.patron", "77123", "Reasons and values, in SQL",
				"retry rejected events for data source library;",
			},
		},
		"gap": {
			set: func(s *status.Source) {
				s.SetStream(status.Active, "")
				s.SetSync(status.Normal)
				s.AddGap(change.Gap{Missing: 1234, Reason: "topic library_1.public.patron has lost records"})
			},
			says: []string{"library_1.public.patron has lost records, 1234 events are missing", "sync data source library;"},
		},
		"complete": {
			set: func(s *status.Source) {
				s.SetStream(status.Active, "")
				s.SetSync(status.SnapshotComplete)
				s.SetLag(0)
			},
			says: []string{"snapshot complete", "endsync data source library;"},
		},
	}
}

// config returns the configuration of a server in that state, with an hour of history.
func (p *pageState) config() monitor.Config {
	sources := &status.Registry{}
	source := sources.Source("library")
	metrics := monitor.NewMetrics(sources, func() int { return 0 })
	now := time.Now()
	for i := 360; i > 0; i-- {
		wave := 1 + math.Sin(float64(i)/20)
		source.SetLag(int64(800 * wave * wave))
		source.Applied(int64(9000*wave)+int64(i%7)*100, 0, now)
		metrics.Sample(now.Add(-time.Duration(i) * 10 * time.Second))
	}
	source.Applied(9000, 0, now)
	p.set(source)
	return monitor.Config{Metrics: metrics, Ready: allReady, PageData: func(context.Context) (monitor.PageData, error) { return p.detail(now), nil }}
}

// detail returns the data of the database: a table with a name of the greatest length, and rejected
// events.
func (p *pageState) detail(now time.Time) monitor.PageData {
	d := monitor.PageData{Trouble: p.trouble, Bytes: 123 << 30, Rejected: []monitor.Rejected{}, Tables: []monitor.Table{
		{Name: "library.patron", Source: "library", Current: 500_000, History: 98_765_432, Bytes: 40 << 30, Changed: &now},
		{Name: "library.patron__t", Source: "library", From: "library.patron", Current: 500_000, History: 1_200_000, Bytes: 2 << 30},
	}}
	for i := range 12 {
		d.Tables = append(d.Tables, monitor.Table{Name: fmt.Sprintf("circulation.table_%d", i), Source: "library", Current: 1 << i, History: 1 << (i + 4), Bytes: 8192 << i, Changed: &now})
	}
	if !p.rejected {
		return d
	}
	const schema, name = "a_schema_with_a_name_that_is_as_long_as_names_can_be_in_postgres", "a_table_with_a_name_that_is_as_long_as_names_can_be_in_postgresq"
	d.Tables = append(d.Tables, monitor.Table{Name: schema + "." + name, Source: "library"})
	latest := []monitor.RejectedLatest{
		{Time: now, Topic: "library_1.library.patron", Partition: 2, Offset: 77123, Table: "library.patron", Kind: "value"},
		{Time: now.Add(-time.Minute), Topic: "library_1.library.loan", Offset: 1200, Kind: "record"},
	}
	d.Rejected = append(d.Rejected, monitor.Rejected{
		Source: "library", Kinds: []monitor.RejectedKind{{Kind: "value", Count: 1204}, {Kind: "record", Count: 1}}, Latest: latest,
	})
	return d
}
