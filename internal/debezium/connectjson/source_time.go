package connectjson

import "metadb/internal/change"

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

// boundTime looks at the time that the source gives to an event. One of the future would keep its row
// in the past of every query, until then; thousands of years would make as many partitions.
func (d *Decoder) boundTime(in *decodeState) {
	if in.Time == 0 || in.event.Time == 0 {
		return // not known
	}
	reference := in.Time
	if now := change.Micros(d.now().UnixMicro()); reference > now+maxTimeAhead || reference < minKafkaTime {
		reference = now
	}
	switch e := &in.event; {
	case e.Time > reference+maxTimeAhead:
		e.ClaimedTime, e.Time = e.Time, reference
		e.Notes = append(e.Notes[:len(e.Notes):len(e.Notes)], change.Note{Severe: true, Text: futureText})
	case e.Time < reference-maxTimeBehind:
		e.TimeFarPast = true
	}
}
