package kinds

import (
	"context"
	"log/slog"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/debezium/connectjson"
	"metadb/internal/resync"
	"metadb/internal/source"
	"metadb/internal/source/kafka"
)

// All returns the kinds of data sources.
func All(logger *slog.Logger) (source.Kinds, error) {
	return source.NewKinds(
		kafka.NewKind(newKafkaDecoder, logger),
	)
}

// newKafkaDecoder returns the decoder for the records of a data source's topics.
func newKafkaDecoder(o *datasource.Options) (kafka.Decoder, error) {
	unchanged, err := o.MeansUnchanged()
	if err != nil {
		return nil, err
	}
	return connectjson.NewDecoder(connectjson.Config{Placeholder: o.UnavailablePlaceholder, MeansUnchanged: unchanged}), nil
}

// BoundsFunc returns a function that requests the bounds of a data source's partitions, with
// passwords that secrets decrypts.
func BoundsFunc(kinds source.Kinds, secrets datasource.Opener) resync.BoundsFunc {
	return func(ctx context.Context, o *datasource.Options, topics []string) (map[change.Partition]source.Bounds, error) {
		kind, err := kinds.Find(o.Type)
		if err != nil {
			return nil, err
		}
		return kind.Bounds(ctx, o, secrets, topics)
	}
}
