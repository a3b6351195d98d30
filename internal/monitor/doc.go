// Package monitor answers over HTTP how the server is: /healthz, /readyz,
// /metrics in Prometheus' format, and a page for people at /.
//
// It owns the names of the metrics and who may ask. It refuses to ask the
// database for anything but whether it answers: what it tells is what the streams
// write to package status, and what they report here with each batch.
package monitor
