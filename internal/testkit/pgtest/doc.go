// Package pgtest provides a real PostgreSQL to tests: one private cluster for each test
// process, which the first test starts, and a database for each test.
//
// It owns the cluster from the installed binaries to the removal of its files, also when the
// test process is killed. Without PostgreSQL a test fails, with the program to install, and is
// not skipped. For tests, the demo and the benchmark only.
package pgtest
