package server

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"metadb/internal/datasource"
)

const (
	// livenessInterval is how often it is asked when the connector last wrote something.
	livenessInterval = 10 * time.Second
	// topicsRounds is in which of these rounds it is asked whether topics are still there.
	topicsRounds = 3
)

// brokerWatch asks a source's broker, beside the stream, for what no record tells.
type brokerWatch struct {
	*stream
	// options are the stream's, expressions those of its topics.
	options     *datasource.Options
	expressions []*regexp.Regexp
	// compacted are the topics that have been warned of.
	compacted map[string]bool
	signs     lifeSigns
	// silent says that the connector's silence has been warned of.
	silent bool
}

// watchBroker looks from time to time whether topics are gone or compacted, and whether
// the connector is alive, until ctx ends. A broker that does not answer is asked again:
// that it is away is seen elsewhere.
func (s *stream) watchBroker(ctx context.Context, o *datasource.Options) {
	expressions, err := o.TopicExpressions()
	if err != nil {
		return // nothing is read with such options
	}
	w := &brokerWatch{stream: s, options: o, expressions: expressions, compacted: make(map[string]bool), signs: make(lifeSigns)}
	defer s.state.SetLastSign(time.Time{}, false)
	for round := 0; ; round++ {
		if round%topicsRounds == 0 {
			w.logFailure(ctx, "look at topics", w.checkTopics(ctx))
		}
		w.logFailure(ctx, "look for signs of life", w.checkLiveness(ctx))
		if sleepContext(ctx, livenessInterval) != nil {
			return
		}
	}
}

// logFailure says in the log what could not be asked.
func (w *brokerWatch) logFailure(ctx context.Context, purpose string, err error) {
	if err != nil && ctx.Err() == nil {
		w.logger.Debug(fmt.Sprintf("source %q: %s: %v", w.options.Name, purpose, err))
	}
}
