package debezium

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"metadb/internal/change"
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

// Input is a Kafka record as it was fetched.
type Input struct {
	Topic     string
	Partition int32
	Offset    int64
	// Time is the record's timestamp in Kafka.
	Time change.Micros
	// Key and Value are nil if they are absent.
	Key, Value []byte
	Headers    []change.Header
}

// Decoder turns records into events. It caches the latest schemas, a few for each
// topic. It is not safe for concurrent use.
type Decoder struct {
	topics map[string]*topic
	// lastTopic is the topic of the record before, named lastName.
	lastTopic *topic
	lastName  string
	// headerNames holds the names of headers, which are few.
	headerNames map[string]string

	unchanged func(column string, byType bool) bool
	now       func() time.Time

	reading  reading
	rows     rowReader
	key      recordKey
	envelope envelope
}

// NewDecoder returns a decoder that has seen nothing yet.
func NewDecoder(cfg Config) *Decoder {
	d := &Decoder{topics: map[string]*topic{}, headerNames: map[string]string{}, unchanged: cfg.MeansUnchanged, now: time.Now}
	d.rows.placeholder = newPlaceholder(cfg.Placeholder)
	return d
}

// Decode returns the event of a record. It never fails: a record that can't be
// decoded becomes a rejected event with a reason. The event does not alias the
// input. The fields Table, Origin, Confirm and Suspect are set by later steps.
func (d *Decoder) Decode(rec *Input) change.Event {
	in := &d.reading
	defer func() { *in = reading{} }()
	in.event = change.Event{
		Position: change.Position{
			Partition: change.Partition{Topic: rec.Topic, Number: rec.Partition},
			Offset:    rec.Offset,
		},
		Record: change.Record{Time: rec.Time},
	}
	if rec.Value == nil {
		return in.event // a tombstone: the delete before it has ended the row
	}
	in.Input, in.topic = rec, d.topic(rec.Topic)
	if err := d.read(in); err != nil {
		d.reject(in, err)
	}
	d.boundTime(in)
	return in.event
}

// topic returns the cache of a topic, a new one for a topic seen for the first time.
func (d *Decoder) topic(name string) *topic {
	if d.lastTopic != nil && d.lastName == name {
		return d.lastTopic
	}
	t, ok := d.topics[name]
	if !ok {
		t = &topic{}
		d.topics[strings.Clone(name)] = t
	}
	d.lastTopic, d.lastName = t, name
	return t
}

// reading has the state of decoding one record.
type reading struct {
	*Input
	topic   *topic
	event   change.Event
	scanner scanner
	// head is the part of the value that is shared between records.
	head []byte
	plan *plan
	// shapes is nil unless the record's key was read and shares a field with
	// the row; keyErr is the error of reading the key.
	shapes *shapes
	keyErr error
	// guessed says that a NULL of the row was taken for an unchanged value.
	guessed bool
}

// read reads the record and fills in the event. A record that fails on the fast
// path is read again on the slow one, so that the outcome does not depend on the
// schemas in the cache.
func (d *Decoder) read(in *reading) error {
	if entry := in.topic.byHead(in.Value); entry != nil {
		fresh := *in
		if err := d.readKnown(in, entry); err == nil {
			return nil
		}
		*in = fresh
	}
	return d.readUnknown(in)
}

// readKnown reads a value that begins with a head in the cache.
func (d *Decoder) readKnown(in *reading, entry *valueSchema) error {
	in.head, in.plan = entry.head, entry.plan
	in.scanner = scanner{data: in.Value, pos: len(entry.head), depth: 1}
	s := &in.scanner
	isNull, err := s.null()
	switch {
	case err != nil || isNull:
	case in.plan.ignored:
		var payload []byte
		if payload, err = s.skip(); err == nil && in.plan.notifies {
			readNotification(payload, &in.event)
		}
	default:
		err = d.readPayload(in, s)
	}
	if err == nil {
		err = s.expect('}')
	}
	if err == nil {
		err = s.finish()
	}
	if err != nil || isNull || in.plan.ignored {
		return err
	}
	return d.fill(in)
}

// readUnknown reads a value that begins with no head in the cache, and adds its schema.
func (d *Decoder) readUnknown(in *reading) error {
	p, err := split(in.Value)
	if err != nil {
		if s := (scanner{data: in.Value}); s.peek() == 'n' && s.word("null") == nil && s.finish() == nil {
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
	entry := in.topic.learn(in.Value, p)
	in.head, in.plan = entry.head, entry.plan
	if in.plan.ignored {
		if in.plan.notifies {
			readNotification(p.payload, &in.event)
		}
		return nil
	}
	if err := d.readPayload(in, &scanner{data: p.payload}); err != nil {
		return err
	}
	return d.fill(in)
}

// readPayload reads the record's key and the payload.
func (d *Decoder) readPayload(in *reading, s *scanner) error {
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
	return d.envelope.read(s, in.plan, rows)
}
