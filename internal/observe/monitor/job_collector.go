package monitor

import (
	"github.com/prometheus/client_golang/prometheus"

	"metadb/internal/observe/status"
)

// jobCollector exports the state of the periodic jobs at each collection.
type jobCollector struct{ sources *status.Registry }

// The metrics of jobs.
var (
	jobRunsDesc    = prometheus.NewDesc("metadb_job_runs_total", "Runs of a periodic job since the server started, by result: done, failed.", []string{"job", "result"}, nil)
	jobSecondsDesc = prometheus.NewDesc("metadb_job_duration_seconds", "Duration of the last run of a periodic job.", []string{"job"}, nil)
	jobRunningDesc = prometheus.NewDesc("metadb_job_running", "1 while a periodic job works or is paused in a run, else 0.", []string{"job"}, nil)
	jobBegunDesc   = prometheus.NewDesc("metadb_job_begun_timestamp_seconds", "Begin of the present or last run of a periodic job.", []string{"job"}, nil)
)

// Describe implements prometheus.Collector.
func (c *jobCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{jobRunsDesc, jobSecondsDesc, jobRunningDesc, jobBegunDesc} {
		descs <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *jobCollector) Collect(metrics chan<- prometheus.Metric) {
	for _, job := range c.sources.Jobs() {
		metrics <- prometheus.MustNewConstMetric(jobRunsDesc, prometheus.CounterValue, float64(job.Runs-job.Failures), job.Name, "done")
		metrics <- prometheus.MustNewConstMetric(jobRunsDesc, prometheus.CounterValue, float64(job.Failures), job.Name, "failed")
		metrics <- prometheus.MustNewConstMetric(jobSecondsDesc, prometheus.GaugeValue, job.Seconds, job.Name)
		metrics <- prometheus.MustNewConstMetric(jobRunningDesc, prometheus.GaugeValue, boolValue(job.State != status.JobWaiting), job.Name)
		if !job.Begun.IsZero() {
			metrics <- prometheus.MustNewConstMetric(jobBegunDesc, prometheus.GaugeValue, unixSeconds(job.Begun), job.Name)
		}
	}
}
