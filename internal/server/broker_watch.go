package server

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"metadb/internal/backoff"
	"metadb/internal/datasource"
)

const (
	// livenessInterval is the time between two checks of the connector's last record.
	livenessInterval = 10 * time.Second
	// topicsRounds is the number of these checks from one check of the topics to the next.
	topicsRounds = 3
)

// brokerWatch queries a source's broker, beside the stream, for facts that are in no record.
type brokerWatch struct {
	*stream
	// options are the options of the stream, expressions those of its topics.
	options     *datasource.Options
	expressions []*regexp.Regexp
	// compacted contains the topics for which a warning was logged.
	compacted map[string]bool
	signs     lifeSigns
	// silent is set while the connector is reported as silent.
	silent bool
}

// watchBroker checks at intervals whether topics are gone or compacted and whether the connector
// writes, until ctx ends. A failed query is repeated at the next interval; the stream itself
// reports an unreachable broker.
func (s *stream) watchBroker(ctx context.Context, o *datasource.Options) {
	expressions, err := o.TopicExpressions()
	if err != nil {
		return // openSource reports the error
	}
	w := &brokerWatch{stream: s, options: o, expressions: expressions, compacted: make(map[string]bool), signs: make(lifeSigns)}
	defer s.state.SetLastSign(time.Time{}, false)
	for round := 0; ; round++ {
		if round%topicsRounds == 0 {
			w.logFailure(ctx, "look at topics", w.checkTopics(ctx))
		}
		w.logFailure(ctx, "look for signs of life", w.checkLiveness(ctx))
		if backoff.Sleep(ctx, livenessInterval) != nil {
			return
		}
	}
}

// logFailure logs a failed query, at level debug.
func (w *brokerWatch) logFailure(ctx context.Context, purpose string, err error) {
	if err != nil && ctx.Err() == nil {
		w.logger.Debug(fmt.Sprintf("source %q: %s: %v", w.options.Name, purpose, err))
	}
}
