package monitor

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"metadb/internal/observe/status"
)

// sourceCollector exports the state of the sources at each collection.
type sourceCollector struct{ sources *status.Registry }

// sourceGauge is a metric with at most one value for each source.
type sourceGauge struct {
	desc  *prometheus.Desc
	value func(r *status.Report, now time.Time) (value float64, known bool)
}

func newSourceGauge(name, help string, value func(*status.Report, time.Time) (float64, bool)) sourceGauge {
	return sourceGauge{prometheus.NewDesc("metadb_"+name, help, []string{"source"}, nil), value}
}

// sourceGauges returns the metrics of sources.
func sourceGauges() []sourceGauge {
	return []sourceGauge{
		newSourceGauge("lag_events", "Change events that wait in the source's topics.",
			func(r *status.Report, _ time.Time) (float64, bool) {
				return float64(r.Lag), r.Lag != status.UnknownLag
			}),
		newSourceGauge("lag_seconds", "Age of the last event applied, 0 where none waits.", lagSeconds),
		newSourceGauge("last_event_timestamp_seconds", "The source's time of the last event applied.",
			func(r *status.Report, _ time.Time) (float64, bool) {
				return unixSeconds(r.LastEvent), !r.LastEvent.IsZero()
			}),
		newSourceGauge("last_sign_timestamp_seconds", "When the connector last wrote a heartbeat or an event; absent without heartbeats.",
			func(r *status.Report, _ time.Time) (float64, bool) {
				return unixSeconds(r.LastSign), !r.LastSign.IsZero()
			}),
		newSourceGauge("rejected_events", "Change events that are set aside now.",
			func(r *status.Report, _ time.Time) (float64, bool) { return float64(r.Rejected), true }),
		newSourceGauge("parked_tables", "Tables whose events wait while those of others are applied.",
			func(r *status.Report, _ time.Time) (float64, bool) { return float64(len(r.Parked)), true }),
		newSourceGauge("outdated_tables", "Tables that need reading again, because the source has changed them without events for their rows.",
			func(r *status.Report, _ time.Time) (float64, bool) { return float64(len(r.Columns.Outdated)), true }),
		newSourceGauge("skipped_tables", "Tables that are not copied because they have no primary key.",
			func(r *status.Report, _ time.Time) (float64, bool) { return float64(len(r.Skipped)), true }),
		newSourceGauge("missing_events", "Change events that gaps in the stream have lost.",
			func(r *status.Report, _ time.Time) (float64, bool) { return float64(r.MissingEvents), true }),
		newSourceGauge("resync_rows_confirmed", "Current rows that the synchronization has confirmed.",
			func(r *status.Report, _ time.Time) (float64, bool) {
				return float64(r.Confirming.Confirmed), r.Confirming.Known
			}),
		newSourceGauge("resync_rows_unconfirmed", "Current rows that would end if the synchronization were ended now.",
			func(r *status.Report, _ time.Time) (float64, bool) {
				return float64(r.Confirming.Unconfirmed()), r.Confirming.Known
			}),
		newSourceGauge("resync_rows_expected", "Current rows that the synchronization is to confirm.",
			func(r *status.Report, _ time.Time) (float64, bool) {
				return float64(r.Confirming.Current), r.Confirming.Known
			}),
	}
}

// unixSeconds returns a time in Prometheus' unit.
func unixSeconds(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }

// lagSeconds returns the age of the last event applied, in seconds; 0 if no event waits. It reports
// false if the age is unknown.
func lagSeconds(r *status.Report, now time.Time) (float64, bool) {
	switch {
	case r.Lag == 0:
		return 0, true
	case r.Lag == status.UnknownLag || r.LastEvent.IsZero():
		return 0, false
	}
	return max(0, now.Sub(r.LastEvent).Seconds()), true
}

// streamState returns a metric that is 1 for the state of a source's stream, and 0 for the others.
func streamState() *prometheus.Desc {
	return prometheus.NewDesc("metadb_stream_state", "State of the source's stream: 1 for the one it is in.", []string{"source", "state"}, nil)
}

func syncState() *prometheus.Desc {
	return prometheus.NewDesc("metadb_sync_state", "State of the source's synchronization: 1 for the one it is in.", []string{"source", "state"}, nil)
}

// Describe implements prometheus.Collector.
func (c *sourceCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, g := range sourceGauges() {
		descs <- g.desc
	}
	descs <- streamState()
	descs <- syncState()
}

// Collect implements prometheus.Collector.
func (c *sourceCollector) Collect(metrics chan<- prometheus.Metric) {
	now, all, stream, sync := time.Now(), sourceGauges(), streamState(), syncState()
	for _, r := range c.sources.Reports() {
		for _, g := range all {
			if value, known := g.value(&r, now); known {
				metrics <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, value, r.Name)
			}
		}
		for _, state := range status.Streams() {
			metrics <- prometheus.MustNewConstMetric(stream, prometheus.GaugeValue, boolValue(state == r.Stream), r.Name, string(state))
		}
		for _, state := range status.Syncs() {
			metrics <- prometheus.MustNewConstMetric(sync, prometheus.GaugeValue, boolValue(state == r.Sync), r.Name, string(state))
		}
	}
}

func boolValue(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
