// Package monitor reports the state of the server over HTTP: /healthz, /readyz, /metrics in
// Prometheus' format, and a page for administrators at /.
//
// It owns the names of the metrics and the check of clients' tokens. Its data are those that
// streams write to package status, and report here with each batch. Metrics need no query of the
// database; for the page [Config.PageData] is called while there are viewers, seldom. Values of
// rows are never shown.
package monitor
