package rejected

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// keyFormID identifies one form of a key in a topic (keyForms).
type keyFormID struct {
	topic     string
	canonical bool
	key       string
}

// rejectedKeys are the keys with rejected records, each under all forms that have occurred.
type rejectedKeys map[keyFormID]*rejectedKey

// findKey returns the entry of a key, nil if it has no rejected record. It merges the entries of
// the two forms if they were different.
func (w rejectedKeys) findKey(forms keyForms) *rejectedKey {
	byRecord, byCanonical := keyFormID{topic: forms.topic, key: string(forms.record)}, keyFormID{forms.topic, true, string(forms.canonical)}
	var known, other *rejectedKey
	if forms.record != nil {
		known = w[byRecord]
	}
	if forms.canonical != nil {
		other = w[byCanonical]
	}
	switch {
	case known == nil:
		known = other
	case other != nil && other != known:
		w.mergeKeys(known, other)
	}
	if known != nil {
		w.indexForms(known, forms)
	}
	return known
}

// mergeKeys merges two entries that were kept for two forms of one key.
func (w rejectedKeys) mergeKeys(into, from *rejectedKey) {
	into.rejected, into.applied = append(into.rejected, from.rejected...), append(into.applied, from.applied...)
	for name, known := range w {
		if known == from {
			w[name] = into
		}
	}
}

// indexForms stores an entry under the forms of its key.
func (w rejectedKeys) indexForms(known *rejectedKey, forms keyForms) {
	if forms.record != nil {
		w[keyFormID{topic: forms.topic, key: string(forms.record)}] = known
	}
	if forms.canonical != nil {
		w[keyFormID{forms.topic, true, string(forms.canonical)}] = known
	}
}

// keyOf returns the entry of an event's key, nil if it has no rejected record.
func (w rejectedKeys) keyOf(e *change.Event) *rejectedKey {
	if len(w) == 0 || e.Record.Key == nil {
		return nil
	}
	return w.findKey(keyFormsOf(e))
}

// rejectedKeysSQL finds rejected records by either form of the key. Rows stored before layout 22
// have the bytes only. OFFSET 0 makes PostgreSQL use the index of each form for each key, instead
// of reading all rejected events of the source.
const rejectedKeysSQL = `
	SELECT r.topic, r.partition, r."offset", r.key, r.canonical_key, r.later
		FROM (SELECT DISTINCT key FROM unnest($2::bytea[]) AS k (key)) AS wanted
			CROSS JOIN LATERAL (SELECT * FROM metadb.rejected_event AS e WHERE e.key = wanted.key OFFSET 0) AS r
		WHERE r.source_name = $1 AND r.id <> ALL ($3)
	UNION
	SELECT r.topic, r.partition, r."offset", r.key, r.canonical_key, r.later
		FROM (SELECT DISTINCT key FROM unnest($4::bytea[]) AS k (key)) AS wanted
			CROSS JOIN LATERAL (SELECT * FROM metadb.rejected_event AS e WHERE e.canonical_key = wanted.key OFFSET 0) AS r
		WHERE r.source_name = $1 AND r.id <> ALL ($3)`

// Load loads the rejected records of the keys of a batch's events: some events are blocked by them, and
// the other events supersede them. Most sources have no rejected event at all, which one short query
// shows. Records that are being retried, with the ids retried, are left out.
func (s *Set) Load(ctx context.Context, tx pgx.Tx, events []change.Event, retried []int64) error {
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM metadb.rejected_event WHERE source_name = $1)", s.source).Scan(&s.sourceHasRejected)
	if err != nil {
		return fmt.Errorf("look for rejected events: %w", err)
	}
	if !s.sourceHasRejected {
		return nil
	}
	records, canonical := recordKeys(events)
	if len(records) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, rejectedKeysSQL, s.source, records, append([]int64{}, retried...), canonical)
	if err != nil {
		return fmt.Errorf("look for rejected events: %w", err)
	}
	var at change.Position
	var record, form []byte
	var later *time.Time
	_, err = pgx.ForEachRow(rows, []any{&at.Partition.Topic, &at.Partition.Number, &at.Offset, &record, &form, &later}, func() error {
		var overtaken *change.Micros
		if later != nil {
			m := change.Micros(later.UnixMicro())
			overtaken = &m
		}
		s.keys.addRejected(keyForms{at.Partition.Topic, record, form}, at, overtaken)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for rejected events: %w", err)
	}
	return nil
}

// recordKeys returns the keys of changes, old keys included, in both forms.
func recordKeys(events []change.Event) (records, canonical [][]byte) {
	note := func(forms keyForms) {
		if forms.record != nil {
			records = append(records, forms.record)
		}
		if forms.canonical != nil {
			canonical = append(canonical, forms.canonical)
		}
	}
	for i := range events {
		e := &events[i]
		if e.Record.Key == nil || e.Op != change.Upsert && e.Op != change.Delete {
			continue
		}
		note(keyFormsOf(e))
		note(oldKeyFormsOf(e))
	}
	return records, canonical
}
