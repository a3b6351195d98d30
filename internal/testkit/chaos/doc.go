// Package chaos runs a real server against a random source under faults: the server is killed,
// PostgreSQL is killed and restarted, its connections are cut, the broker is away, partitions
// are added, positions are moved back, records are sent again, and hostile ones are added. In
// the end the tables are compared with the oracle, version by version.
//
// "make torture SEED=1 MINUTES=10" runs it for a while; a short run with fixed seeds is an
// ordinary test. It does not depend on how the server works inside. For tests only.
package chaos
