// Package e2e tests the whole system: the metadb binary against a real Apache
// Kafka, a real Kafka Connect worker with Debezium's connector and a real
// PostgreSQL source, all on loopback, on free ports, as processes of their own
// that end with the test.
//
// It owns the starting and stopping of those processes and the comparison of
// source and target. It refuses to look into Metadb: what it can't see with
// psql, the command line or the log is for the packages' own tests.
//
// Its tests have the build tag e2e, because they need Java 17 and Maven, which
// fetches the jars of pom.xml once into the user's cache directory. `make test`
// runs them; `make test-short` does not.
//
//	go test -tags e2e ./internal/testkit/e2e
package e2e
