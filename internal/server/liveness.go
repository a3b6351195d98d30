package server

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"metadb/internal/change"
	"metadb/internal/datasource"
	"metadb/internal/instance"
	"metadb/internal/source/kafka"
)

// heartbeatPrefix is that of the topics to which connectors write heartbeats, unless
// topic.heartbeat.prefix is set; the connector's topic.prefix follows, after a dot.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-property-topic-heartbeat-prefix
const heartbeatPrefix = "__debezium-heartbeat."

// checkLiveness shows when the connector gave its last sign of life, and says in the log
// when that begins to be too long ago, and when it ends. Connection and topics are those of
// the stream's options; what the warning depends on is read anew.
func (w *brokerWatch) checkLiveness(ctx context.Context) error {
	now, err := datasource.Load(ctx, w.pool, w.options.Name)
	if err != nil {
		return err
	}
	last, err := w.signs.loadLastSign(ctx, w.key, w.options, now, w.expressions)
	if err != nil {
		return err
	}
	limit := now.SilenceLimit()
	silent := !last.IsZero() && limit > 0 && time.Since(last) > limit
	w.state.SetLastSign(last, silent)
	switch {
	case silent && !w.silent:
		report := w.state.Report()
		w.logger.Warn(fmt.Sprintf("source %q: %s", w.options.Name, report.SilenceText()))
	case !silent && w.silent:
		w.logger.Info(fmt.Sprintf("source %q: the connector gives signs of life", w.options.Name))
	}
	w.silent = silent
	return nil
}

// lifeSigns looks for a connector's signs of life. It remembers the ends of partitions that have a
// record from the future, by their names: such a time says nothing, so that the connector has
// given a sign when the end has moved, or when it was first seen.
type lifeSigns map[change.Partition]movement

// movement is the end of a partition, and since when it has been there.
type movement struct {
	end   int64
	since time.Time
}

// loadLastSign asks when heartbeats were written last, and where that is long ago when events
// were: a connector that is busy need not write heartbeats. It is zero where there are none.
func (l lifeSigns) loadLastSign(ctx context.Context, key instance.SecretKey, o, now *datasource.Options, expressions []*regexp.Regexp) (time.Time, error) {
	every := []*regexp.Regexp{regexp.MustCompile("")}
	all, err := kafka.QueryTopics(ctx, o.BrokerList(), kafkaSecurity(o, key), every)
	if err != nil {
		return time.Time{}, err
	}
	matched := matchedTopics(all, expressions)
	beats, err := kafka.QueryNewestTimes(ctx, o.BrokerList(), kafkaSecurity(o, key), heartbeatTopics(all, matched, now))
	if err != nil {
		return time.Time{}, err
	}
	last := l.noteNewest(beats, time.Now())
	if last.IsZero() || time.Since(last) <= now.SilenceLimit() {
		return last, nil
	}
	events, err := kafka.QueryNewestTimes(ctx, o.BrokerList(), kafkaSecurity(o, key), matched)
	if event := l.noteNewest(events, time.Now()); event.After(last) {
		last = event
	}
	return last, err
}

// noteNewest returns when the newest records were made, as far as that can be known.
func (l lifeSigns) noteNewest(newest kafka.NewestTimes, now time.Time) time.Time {
	last := newest.Time
	for part, end := range newest.Ahead {
		known, seen := l[part]
		if !seen || known.end != end {
			known = movement{end: end, since: now.UTC()}
			l[part] = known
		}
		if known.since.After(last) {
			last = known.since
		}
	}
	return last
}

func matchedTopics(all []string, expressions []*regexp.Regexp) []string {
	var matched []string
	for _, topic := range all {
		if slices.ContainsFunc(expressions, func(e *regexp.Regexp) bool { return e.MatchString(topic) }) {
			matched = append(matched, topic)
		}
	}
	return matched
}

// heartbeatTopics returns those of a broker's topics in which a source's connector gives
// signs of life: those that the options name, else those of the prefixes of its topics,
// and the topic of the table that the connector writes to at each heartbeat.
func heartbeatTopics(all, matched []string, o *datasource.Options) []string {
	table := ""
	if o.HeartbeatTable != "" {
		table = "." + regexp.MustCompile(`[^a-zA-Z0-9._-]`).ReplaceAllString(o.HeartbeatTable, "_")
	}
	return slices.DeleteFunc(slices.Clone(all), func(topic string) bool {
		if table != "" && strings.HasSuffix(topic, table) && slices.Contains(matched, topic) {
			return false
		}
		if o.HeartbeatTopic != "" {
			return topic != o.HeartbeatTopic
		}
		prefix, found := strings.CutPrefix(topic, heartbeatPrefix)
		return !found || !slices.ContainsFunc(matched, func(m string) bool { return strings.HasPrefix(m, prefix+".") })
	})
}
