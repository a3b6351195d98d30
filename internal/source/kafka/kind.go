package kafka

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/debezium"
	"metadb/internal/source"
)

// KindName is the type of data sources that this package reads.
const KindName = "kafka"

// NewKind returns the kind of data sources that are Kafka topics. newDecoder makes a decoder for the
// records of a data source.
func NewKind(newDecoder func(*datasource.Options) (Decoder, error), logger *slog.Logger) source.Kind {
	return source.Kind{
		Name: KindName,
		NewOpener: func() source.Opener {
			firsts := &FirstOffsets{}
			return func(settings source.Settings) (source.Source, error) { return openSource(settings, newDecoder, firsts) }
		},
		NewDecoder: func(o *datasource.Options) (source.Decoder, error) {
			decoder, err := newDecoder(o)
			if err != nil {
				return nil, err
			}
			return func(at change.Position, record *change.Record) change.Event {
				return decodeStored(decoder, at, record, logger)
			}, nil
		},
		Bounds: queryOptionBounds,
	}
}

// openSource returns the consumer of a data source's topics.
func openSource(settings source.Settings, newDecoder func(*datasource.Options) (Decoder, error), firsts *FirstOffsets) (source.Source, error) {
	o := settings.Options
	topics, err := o.TopicExpressions()
	if err != nil {
		return nil, err
	}
	decoder, err := newDecoder(o)
	if err != nil {
		return nil, err
	}
	return New(Config{
		Brokers:        o.BrokerList(),
		Security:       SecurityOf(o, settings.Secrets),
		Topics:         topics,
		ConsumerGroup:  o.ConsumerGroup,
		InstanceID:     settings.Identity,
		LoadProgress:   settings.LoadProgress,
		FirstOffsets:   firsts,
		Name:           o.Name,
		MaxRecordBytes: settings.MaxRecordBytes,
		Decoder:        decoder,
		OnDecoded:      settings.OnDecoded,
		Logger:         settings.Logger,
	})
}

// SecurityOf returns the connection settings of a data source's broker, with a password that secrets
// decrypts.
func SecurityOf(o *datasource.Options, secrets datasource.Opener) Security {
	s := Security{TLS: o.UsesTLS(), CAFile: o.SSLCAFile, CertFile: o.SSLCertFile, KeyFile: o.SSLKeyFile}
	if o.UsesSASL() {
		s.Mechanism, s.Username, s.Password = o.SASLMechanism, o.SASLUsername, func() (string, error) { return o.Password(secrets) }
	}
	return s
}

// queryOptionBounds requests the bounds of some topics of a data source, of all that its options
// match for nil.
func queryOptionBounds(ctx context.Context, o *datasource.Options, secrets datasource.Opener, topics []string) (map[change.Partition]source.Bounds, error) {
	if topics == nil {
		expressions, err := o.TopicExpressions()
		if err != nil {
			return nil, err
		}
		if topics, err = QueryTopics(ctx, o.BrokerList(), SecurityOf(o, secrets), expressions); err != nil {
			return nil, err
		}
	}
	return QueryBounds(ctx, o.BrokerList(), SecurityOf(o, secrets), topics)
}

// decodeStored decodes a record that was rejected. A panic in a converter rejects one record.
func decodeStored(decoder Decoder, at change.Position, record *change.Record, logger *slog.Logger) (event change.Event) {
	defer func() {
		if bug := recover(); bug != nil {
			logger.Error(fmt.Sprintf("decode rejected event %s: %v\n%s", at, bug, debug.Stack()))
			event = change.Event{Op: change.Reject, Reason: fmt.Sprintf("decoding failed: %v", bug)}
		}
	}()
	if record.Head == nil && record.Tail == nil {
		// Tombstones are never stored, so the value is missing.
		return change.Event{Op: change.Reject, Reason: "it was set aside without its value: the table has to be read again", Position: at}
	}
	decoder.DecodeInto(&debezium.Input{
		Topic: at.Partition.Topic, Partition: at.Partition.Number, Offset: at.Offset,
		Time: record.Time, Key: record.Key, Value: record.Value(), Headers: record.Headers,
	}, &event)
	return event
}
