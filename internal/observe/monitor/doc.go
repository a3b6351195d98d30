// Package monitor answers over HTTP how the server is: /healthz, /readyz,
// /metrics in Prometheus' format, and a page for people at /.
//
// It owns the names of the metrics and who may ask. What it tells is what the
// streams write to package status, and what they report here with each batch.
// Metrics ask the database for nothing; the page has the server ask for [PageData]
// while somebody looks, seldom. It refuses to show values of rows.
package monitor
