package connectjson

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"metadb/internal/change"
	"metadb/internal/debezium"
)

// Config says how a stream is written.
type Config struct {
	// Placeholder is the connector's unavailable.value.placeholder; empty
	// for Debezium's default, __debezium_unavailable_value.
	Placeholder string
	// MeansUnchanged says of a column, named schema.table.column, whether its NULL
	// in an update stands for an unchanged long value; byType that it may, by its
	// type. Nil for never.
	MeansUnchanged func(column string, byType bool) bool
}

// Decoder turns records into events. It caches the latest schemas, a few for each
// topic. It is not safe for concurrent use.
type Decoder struct {
	topics map[string]*topicCache
	// lastTopic is the topic of the record before, named lastName.
	lastTopic *topicCache
	lastName  string
	// headerNames holds the names of headers, which are few.
	headerNames map[string]string

	meansUnchanged func(column string, byType bool) bool
	now            func() time.Time

	state    decodeState
	rows     rowReader
	key      recordKey
	envelope envelope
}

// NewDecoder returns a decoder that has seen nothing yet.
func NewDecoder(cfg Config) *Decoder {
	d := &Decoder{topics: map[string]*topicCache{}, headerNames: map[string]string{}, meansUnchanged: cfg.MeansUnchanged, now: time.Now}
	d.rows.placeholder = debezium.NewPlaceholder(cfg.Placeholder)
	return d
}

// Decode returns the event of a record.
func (d *Decoder) Decode(rec *debezium.Input) change.Event {
	var event change.Event
	d.DecodeInto(rec, &event)
	return event
}

// DecodeInto sets event, which has no field set, to the event of a record. It writes in
// place, since an event is large. It never fails: a record that can't be
// decoded becomes a rejected event with a reason. The event does not alias the
// input. The fields Table, Origin, Confirm and Suspect are set by later steps.
func (d *Decoder) DecodeInto(rec *debezium.Input, event *change.Event) {
	setPosition(event, rec)
	if rec.Value == nil {
		return // a tombstone: the delete before it has ended the row
	}
	in := &d.state
	*in = decodeState{Input: rec, topic: d.topicCacheOf(rec.Topic), event: event}
	defer func() { in.Input, in.event, in.scanner = nil, nil, scanner{} }()
	if err := d.readRecord(in); err != nil {
		d.rejectRecord(in, err)
	}
	debezium.BoundTime(event, rec.Time, d.now)
}

// setPosition sets the place and the time of a record.
func setPosition(event *change.Event, rec *debezium.Input) {
	event.Position.Partition.Topic, event.Position.Partition.Number = rec.Topic, rec.Partition
	event.Position.Offset, event.Record.Time = rec.Offset, rec.Time
}

// topicCacheOf returns the cache of a topic, a new one for a topic seen for the first time.
func (d *Decoder) topicCacheOf(name string) *topicCache {
	if d.lastTopic != nil && d.lastName == name {
		return d.lastTopic
	}
	t, ok := d.topics[name]
	if !ok {
		t = &topicCache{}
		d.topics[strings.Clone(name)] = t
	}
	d.lastTopic, d.lastName = t, name
	return t
}

// decodeState has the state of decoding one record.
type decodeState struct {
	*debezium.Input
	topic   *topicCache
	event   *change.Event
	scanner scanner
	// head is the part of the value that is shared between records.
	head []byte
	plan *readPlan
	// shapes is nil unless the record's key was read and shares a field with
	// the row; keyErr is the error of reading the key.
	shapes *keyShapes
	keyErr error
	// assumedUnchanged says that a NULL of the row was taken for an unchanged value.
	assumedUnchanged bool
}

// readRecord reads the record and fills in the event. A record that fails on the fast
// path is read again on the slow one, so that the outcome does not depend on the
// schemas in the cache.
func (d *Decoder) readRecord(in *decodeState) error {
	if entry := in.topic.findByHead(in.Value); entry != nil {
		if err := d.readKnown(in, entry); err == nil {
			return nil
		}
		*in = decodeState{Input: in.Input, topic: in.topic, event: in.event}
		*in.event = change.Event{}
		setPosition(in.event, in.Input)
	}
	return d.readUnknown(in)
}

// readKnown reads a value that begins with a head in the cache.
func (d *Decoder) readKnown(in *decodeState, entry *valueSchema) error {
	in.head, in.plan = entry.head, entry.plan
	in.scanner = scanner{data: in.Value, pos: len(entry.head), depth: 1}
	s := &in.scanner
	isNull, err := s.skipNull()
	switch {
	case err != nil || isNull:
	case in.plan.ignored:
		var payload []byte
		if payload, err = s.skipValue(); err == nil && in.plan.notifies {
			readNotification(payload, in.event)
		}
	default:
		err = d.readPayload(in, s)
	}
	if err == nil {
		err = s.expect('}')
	}
	if err == nil {
		err = s.expectEnd()
	}
	if err != nil || isNull || in.plan.ignored {
		return err
	}
	return d.fillEvent(in)
}

// readUnknown reads a value that begins with no head in the cache, and adds its schema.
func (d *Decoder) readUnknown(in *decodeState) error {
	p, err := splitValue(in.Value)
	if err != nil {
		if s := (scanner{data: in.Value}); s.peek() == 'n' && s.skipLiteral("null") == nil && s.expectEnd() == nil {
			return nil // a tombstone of a converter that writes null
		}
		return fmt.Errorf("the value is not what Debezium writes: %w; %s", err, expectedEnvelope)
	}
	switch {
	case p.schema == nil && p.payload == nil:
		return errors.New("the value has no schema (value.converter.schemas.enable is off, or it is no Debezium event): " + expectedEnvelope)
	case p.schema == nil || p.payload == nil:
		return errors.New("the value has only one half: " + expectedEnvelope)
	case string(p.payload) == "null":
		return nil
	}
	entry := in.topic.cacheSchema(in.Value, p)
	in.head, in.plan = entry.head, entry.plan
	if in.plan.ignored {
		if in.plan.notifies {
			readNotification(p.payload, in.event)
		}
		return nil
	}
	if err := d.readPayload(in, &scanner{data: p.payload}); err != nil {
		return err
	}
	return d.fillEvent(in)
}

// readPayload reads the record's key and the payload.
func (d *Decoder) readPayload(in *decodeState, s *scanner) error {
	if in.plan.refusal != "" {
		return errors.New(in.plan.refusal)
	}
	if in.Key != nil {
		var ok bool
		if ok, in.keyErr = in.topic.readKey(&d.key, in.Key); ok && in.keyErr == nil {
			if shapes := in.topic.shapesFor(in.plan, d.key.fields); shapes.row != nil {
				in.shapes = shapes
			}
		}
	}
	rows := &d.rows
	if in.shapes == nil {
		rows = nil
	}
	return d.envelope.readEnvelope(s, in.plan, rows)
}
