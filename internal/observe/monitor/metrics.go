package monitor

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"metadb/internal/change"
	"metadb/internal/observe/status"
)

// Metrics contains the metrics of the streams. The number of series is bounded: labels are sources
// and fixed words, not tables.
// https://prometheus.io/docs/practices/naming/
type Metrics struct {
	registry *prometheus.Registry
	history  *rateHistory

	events        *prometheus.CounterVec
	rejected      *prometheus.CounterVec
	batchEvents   *prometheus.HistogramVec
	batchSeconds  *prometheus.HistogramVec
	stageSeconds  *prometheus.CounterVec
	schemaChanges *prometheus.CounterVec
}

// These are the buckets of the histograms: a batch has 1 to 15,000 events, and takes from a
// millisecond to half a minute.
var (
	eventBuckets  = prometheus.ExponentialBuckets(1, 10, 5)
	secondBuckets = prometheus.ExponentialBuckets(0.001, 4, 8)
)

// NewMetrics returns metrics that include the state of the sources, read from the registry at each
// collection, and the number of connections of the administration port.
func NewMetrics(sources *status.Registry, connections func() int) *Metrics {
	const namespace = "metadb"
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		history:  &rateHistory{sources: sources},
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "events_applied_total", Help: "Change events applied, by kind: upsert, delete, truncate.",
		}, []string{"source", "kind"}),
		rejected: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "events_rejected_total", Help: "Change events set aside since the server started, by what is wrong: record, table, value, waits.",
		}, []string{"source", "kind"}),
		batchEvents: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "batch_events", Help: "Change events in a batch.", Buckets: eventBuckets,
		}, []string{"source"}),
		batchSeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "batch_duration_seconds", Help: "Time from the beginning of a batch's transaction to its commit.",
			Buckets: secondBuckets,
		}, []string{"source"}),
		stageSeconds: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "stage_seconds_total", Help: "Time spent decoding, planning, applying and committing.",
		}, []string{"source", "stage"}),
		schemaChanges: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "schema_changes_total", Help: "Tables that a batch created or altered.",
		}, []string{"source"}),
	}
	m.registry.MustRegister(
		m.events, m.rejected, m.batchEvents, m.batchSeconds, m.stageSeconds, m.schemaChanges,
		&sourceCollector{sources}, &jobCollector{sources},
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: namespace, Name: "admin_connections", Help: "Connections on the administration port.",
		}, func() float64 { return float64(connections()) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// ShowRefused adds the number of clients that a listener has refused, by reason. The listener is
// "admin" for the administration port or "http".
func (m *Metrics) ShowRefused(listener string, counts func() map[string]int64) {
	desc := prometheus.NewDesc("metadb_"+listener+"_refused_total", "Clients refused since the server started, by reason.", []string{"reason"}, nil)
	m.registry.MustRegister(&refusalCollector{desc, counts})
}

// refusalCollector exports counts by reason.
type refusalCollector struct {
	desc   *prometheus.Desc
	counts func() map[string]int64
}

// Describe implements prometheus.Collector.
func (r *refusalCollector) Describe(descs chan<- *prometheus.Desc) { descs <- r.desc }

// Collect implements prometheus.Collector.
func (r *refusalCollector) Collect(metrics chan<- prometheus.Metric) {
	for reason, n := range r.counts() {
		metrics <- prometheus.MustNewConstMetric(r.desc, prometheus.CounterValue, float64(n), reason)
	}
}

// Describe describes every metric, as prometheus.Collector's Describe does.
func (m *Metrics) Describe(descs chan<- *prometheus.Desc) { m.registry.Describe(descs) }

// Applied counts a batch that was committed.
func (m *Metrics) Applied(source string, events int, outcome change.Outcome) {
	for _, kind := range []change.Op{change.Upsert, change.Delete, change.Truncate} {
		m.events.WithLabelValues(source, kind.String()).Add(float64(outcome.ByOp[kind]))
	}
	for _, kind := range change.RejectKinds() {
		m.rejected.WithLabelValues(source, kind.String()).Add(float64(outcome.ByReason[kind]))
	}
	m.batchEvents.WithLabelValues(source).Observe(float64(events))
	took := outcome.Timings
	m.batchSeconds.WithLabelValues(source).Observe((took.Plan + took.Apply + took.Commit).Seconds())
	m.stageSeconds.WithLabelValues(source, "plan").Add(took.Plan.Seconds())
	m.stageSeconds.WithLabelValues(source, "apply").Add(took.Apply.Seconds())
	m.stageSeconds.WithLabelValues(source, "commit").Add(took.Commit.Seconds())
	m.schemaChanges.WithLabelValues(source).Add(float64(outcome.SchemaChanges))
}

// Decoded adds the time that decoding took.
func (m *Metrics) Decoded(source string, took time.Duration) {
	m.stageSeconds.WithLabelValues(source, "decode").Add(took.Seconds())
}

// Forget removes the series of a source that was dropped.
func (m *Metrics) Forget(source string) {
	labels := prometheus.Labels{"source": source}
	for _, vec := range []interface {
		DeletePartialMatch(prometheus.Labels) int
	}{m.events, m.rejected, m.batchEvents, m.batchSeconds, m.stageSeconds, m.schemaChanges} {
		vec.DeletePartialMatch(labels)
	}
}
