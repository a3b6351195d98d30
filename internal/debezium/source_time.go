package debezium

import (
	"time"

	"metadb/internal/change"
)

const (
	// maxTimeAhead is how far ahead of the record's time in Kafka, which is that of the sending, the
	// source's may be: clocks differ, by a wrong time zone at most.
	maxTimeAhead = change.Micros(24 * 60 * 60 * 1e6)
	// maxTimeBehind is how far behind it may be. Records are sent seconds after a change, and copied
	// or restored topics keep the time of sending; but brokers can be set to use their own.
	maxTimeBehind = change.Micros(30 * 365.25 * 24 * 60 * 60 * 1e6)
	// minKafkaTime is before the first record of any Kafka: 2011-01-01.
	minKafkaTime = change.Micros(1293840000 * 1e6)
)

// futureText is logged once for each table.
const futureText = "the source's time of a change is more than a day ahead of the record's in Kafka, which is used instead: check the clock of the source"

// BoundTime looks at the time that the source gives to an event. One of the future would keep its row
// in the past of every query, until then; thousands of years would make as many partitions. recordTime
// is the record's in Kafka, zero if it has none, clock the present time.
func BoundTime(e *change.Event, recordTime change.Micros, clock func() time.Time) {
	if recordTime == 0 || e.Time == 0 {
		return // not known
	}
	reference := recordTime
	if now := change.Micros(clock().UnixMicro()); reference > now+maxTimeAhead || reference < minKafkaTime {
		reference = now
	}
	switch {
	case e.Time > reference+maxTimeAhead:
		e.ClaimedTime, e.Time = e.Time, reference
		e.Notes = append(e.Notes[:len(e.Notes):len(e.Notes)], change.Note{Severe: true, Text: futureText})
	case e.Time < reference-maxTimeBehind:
		e.TimeFarPast = true
	}
}
