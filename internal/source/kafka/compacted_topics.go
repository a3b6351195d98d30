package kafka

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
)

// QueryCompacted returns the compacted ones of some topics. Compaction removes older
// records, deletes among them, without a gap in the offsets. Topics that do not exist
// are left out.
func QueryCompacted(ctx context.Context, brokers []string, security Security, topics []string) ([]string, error) {
	if len(topics) == 0 {
		return nil, nil
	}
	configs, err := queryAdmin(ctx, brokers, security, func(ctx context.Context, admin *kadm.Client) (kadm.ResourceConfigs, error) {
		return admin.DescribeTopicConfigs(ctx, topics...)
	})
	if err != nil {
		return nil, fmt.Errorf("how topics are cleaned up: %w", err)
	}
	var compacted []string
	for _, topic := range configs {
		for _, config := range topic.Configs {
			if config.Key == "cleanup.policy" && strings.Contains(config.MaybeValue(), "compact") {
				compacted = append(compacted, topic.Name)
			}
		}
	}
	return compacted, nil
}
