package kafka

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// queryAdmin runs a query with a client of its own, without joining a group. It fails if no
// broker answers within adminTimeout.
func queryAdmin[Answer any](ctx context.Context, brokers []string, security Security, question func(context.Context, *kadm.Client) (Answer, error)) (answer Answer, err error) {
	opts, err := security.clientOptions(nil)
	if err != nil {
		return answer, err
	}
	client, err := kgo.NewClient(append(opts, kgo.SeedBrokers(brokers...), kgo.ClientID("metadb"),
		kgo.RetryTimeout(adminTimeout), kgo.DialTimeout(adminTimeout))...)
	if err != nil {
		return answer, fmt.Errorf("make Kafka client: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	if answer, err = question(ctx, kadm.NewClient(client)); err != nil {
		return answer, fmt.Errorf("ask %s: %w", strings.Join(brokers, ", "), err)
	}
	return answer, nil
}

// QueryTopics returns the broker's topics that match one of the expressions, sorted.
func QueryTopics(ctx context.Context, brokers []string, security Security, expressions []*regexp.Regexp) ([]string, error) {
	return queryAdmin(ctx, brokers, security, func(ctx context.Context, admin *kadm.Client) ([]string, error) {
		details, err := admin.ListTopics(ctx)
		if err != nil {
			return nil, fmt.Errorf("list topics: %w", err)
		}
		var topics []string
		for name := range details {
			if slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.MatchString(name) }) {
				topics = append(topics, name)
			}
		}
		slices.Sort(topics)
		return topics, nil
	})
}
