package broker

import (
	"context"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/instance"
	"metadb/internal/resync"
	"metadb/internal/source/kafka"
)

// BoundsFunc returns a function that queries brokers, with passwords that the key decrypts.
func BoundsFunc(key instance.SecretKey) resync.BoundsFunc {
	return func(ctx context.Context, o *datasource.Options, topics []string) (map[change.Partition]resync.Bounds, error) {
		return queryBounds(ctx, key, o, topics)
	}
}

func queryBounds(ctx context.Context, key instance.SecretKey, o *datasource.Options, topics []string) (map[change.Partition]resync.Bounds, error) {
	if topics == nil {
		expressions, err := o.TopicExpressions()
		if err != nil {
			return nil, err
		}
		if topics, err = kafka.QueryTopics(ctx, o.BrokerList(), Security(o, key), expressions); err != nil {
			return nil, err
		}
	}
	answer, err := kafka.QueryBounds(ctx, o.BrokerList(), Security(o, key), topics)
	if err != nil {
		return nil, err
	}
	bounds := make(map[change.Partition]resync.Bounds, len(answer))
	for part, b := range answer {
		bounds[part] = resync.Bounds(b)
	}
	return bounds, nil
}
