// Package e2e tests the whole system: the metadb binary against a real Apache Kafka, a real
// Kafka Connect worker with Debezium's connector and a real PostgreSQL source. All are
// processes on loopback and free ports, and end with the tests.
//
// The package starts and stops these processes and compares source and target. It uses Metadb
// only through SQL, the command line and the log; everything else is for the packages' own
// tests.
//
// Its tests have the build tag e2e, because they need Java 17 and Maven, which fetches the jars
// of pom.xml once into the user's cache directory. `make test` runs them; `make test-short`
// does not.
//
//	go test -tags e2e ./internal/testkit/e2e
package e2e
