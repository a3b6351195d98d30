// Package pgtest gives a test a real PostgreSQL: one private cluster for each
// test process, started when the first test asks for it, and a database of its
// own for each test.
//
// It owns the cluster's life, from the binaries that are installed to the
// removal of its files, also when the test process is killed. It refuses to
// skip: where PostgreSQL is missing, the test fails and says what to install.
// For tests, the demo and the benchmark only.
package pgtest
