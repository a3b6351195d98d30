package apply

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"metadb/internal/change"
)

// keyFormID is one form of a key of records in their topic: see keyForms.
type keyFormID struct {
	topic     string
	canonical bool
	key       string
}

// rejectedKeys has the keys of which records were set aside, each under the forms of it that
// were met.
type rejectedKeys map[keyFormID]*rejectedKey

// findKey returns what is known of a key, nil if nothing is.
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

// mergeKeys makes one of what was known of one key under two forms.
func (w rejectedKeys) mergeKeys(into, from *rejectedKey) {
	into.rejected, into.applied = append(into.rejected, from.rejected...), append(into.applied, from.applied...)
	for name, known := range w {
		if known == from {
			w[name] = into
		}
	}
}

// indexForms notes the forms of a key.
func (w rejectedKeys) indexForms(known *rejectedKey, forms keyForms) {
	if forms.record != nil {
		w[keyFormID{topic: forms.topic, key: string(forms.record)}] = known
	}
	if forms.canonical != nil {
		w[keyFormID{forms.topic, true, string(forms.canonical)}] = known
	}
}

// keyOf returns what is known of an event's key, nil if nothing is.
func (w rejectedKeys) keyOf(e *change.Event) *rejectedKey {
	if len(w) == 0 || e.Record.Key == nil {
		return nil
	}
	return w.findKey(keyFormsOf(e))
}

// rejectedKeysSQL finds records by either form of the key; those of before layout 22 have the
// bytes alone. OFFSET 0 keeps PostgreSQL from looking through all events of the source
// for each key: there is an index on each form.
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

// loadRejectedKeys finds the records of the batch's keys that were set aside before:
// some of its events have to wait for them, and all others overtake them. Nearly
// always none has ever been. Those that are tried again do not count.
func (r *batchTx) loadRejectedKeys(ctx context.Context) error {
	r.rejectedKeys = make(rejectedKeys)
	err := r.tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM metadb.rejected_event WHERE source_name = $1)", r.batch.Source).Scan(&r.sourceHasRejected)
	if err != nil {
		return fmt.Errorf("look for rejected events: %w", err)
	}
	if !r.sourceHasRejected {
		return nil
	}
	records, canonical := r.batchKeys()
	if len(records) == 0 {
		return nil
	}
	rows, err := r.tx.Query(ctx, rejectedKeysSQL, r.batch.Source, records, r.retriedIDs(), canonical)
	if err != nil {
		return fmt.Errorf("look for rejected events: %w", err)
	}
	var at change.Position
	var record, form []byte
	var later *time.Time
	_, err = pgx.ForEachRow(rows, []any{&at.Partition.Topic, &at.Partition.Number, &at.Offset, &record, &form, &later}, func() error {
		var overtaken *change.Micros
		if later != nil {
			m := microsOf(*later)
			overtaken = &m
		}
		r.rejectedKeys.addRejected(keyForms{at.Partition.Topic, record, form}, at, overtaken)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for rejected events: %w", err)
	}
	return nil
}

// batchKeys returns the keys of the batch's changes in both forms.
func (r *batchTx) batchKeys() (records, canonical [][]byte) {
	note := func(forms keyForms) {
		if forms.record != nil {
			records = append(records, forms.record)
		}
		if forms.canonical != nil {
			canonical = append(canonical, forms.canonical)
		}
	}
	for i := range r.batch.Events {
		e := &r.batch.Events[i]
		if e.Record.Key == nil || e.Op != change.Upsert && e.Op != change.Delete {
			continue
		}
		note(keyFormsOf(e))
		note(oldKeyFormsOf(e))
	}
	return records, canonical
}
