// Package rig puts together what a running Metadb needs, each as a process of
// its own that ends with its user: the metadb binary with a data directory and
// a database, any other process, and an embedded broker to feed it. The
// end-to-end tests, the demo and the benchmark stand on it.
//
// It owns processes and their ends. It refuses to know what is shown, measured
// or compared with them.
package rig
