package kafka

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// AskCompacted asks a broker which of some topics are compacted: their older
// records, deletes among them, vanish without leaving a gap that offsets would
// show. Topics that do not exist are left out.
func AskCompacted(ctx context.Context, brokers []string, security Security, topics []string) ([]string, error) {
	if len(topics) == 0 {
		return nil, nil
	}
	opts, err := security.options()
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(brokers...), kgo.ClientID("metadb"),
		kgo.RetryTimeout(adminTimeout), kgo.DialTimeout(adminTimeout))...)
	if err != nil {
		return nil, fmt.Errorf("make Kafka client: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	configs, err := kadm.NewClient(client).DescribeTopicConfigs(ctx, topics...)
	if err != nil {
		return nil, fmt.Errorf("ask %s how topics are cleaned up: %w", strings.Join(brokers, ", "), err)
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
