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

// heartbeatPrefix is the prefix of connectors' heartbeat topics, unless topic.heartbeat.prefix is
// set. A dot and the connector's topic.prefix follow.
// https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-property-topic-heartbeat-prefix
const heartbeatPrefix = "__debezium-heartbeat."

// checkLiveness shows the time of the connector's last record in the status, and logs the begin
// and the end of its silence. Connection and topics are those of the stream's options;
// silence_warning and the heartbeat topic are read from the database each time.
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

// lifeSigns finds a connector's last record. For partitions that contain a record with a time in
// the future it keeps the end offset: such a time is useless, so the time at which the end moved,
// or was first seen, counts instead.
type lifeSigns map[change.Partition]movement

// movement is the end offset of a partition, and since when it has been there.
type movement struct {
	end   int64
	since time.Time
}

// loadLastSign returns the time of the newest heartbeat, or, if that is older than the limit, of
// the newest event: a busy connector need not write heartbeats. The time is zero without any
// heartbeat.
func (l lifeSigns) loadLastSign(ctx context.Context, key instance.SecretKey, o, now *datasource.Options, expressions []*regexp.Regexp) (time.Time, error) {
	every := []*regexp.Regexp{regexp.MustCompile("")}
	all, err := kafka.QueryTopics(ctx, o.BrokerList(), kafka.SecurityOf(o, key), every)
	if err != nil {
		return time.Time{}, err
	}
	matched := matchedTopics(all, expressions)
	beats, err := kafka.QueryNewestTimes(ctx, o.BrokerList(), kafka.SecurityOf(o, key), heartbeatTopics(all, matched, now))
	if err != nil {
		return time.Time{}, err
	}
	last := l.noteNewest(beats, time.Now())
	if last.IsZero() || time.Since(last) <= now.SilenceLimit() {
		return last, nil
	}
	events, err := kafka.QueryNewestTimes(ctx, o.BrokerList(), kafka.SecurityOf(o, key), matched)
	if event := l.noteNewest(events, time.Now()); event.After(last) {
		last = event
	}
	return last, err
}

// noteNewest returns the time of the newest record; a record with a future time counts from the
// move of its partition's end.
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

// heartbeatTopics returns the topics of a broker to which a source's connector writes heartbeats:
// the topic in the options, otherwise those for the prefixes of the source's topics; and the
// topic of the heartbeat table.
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
