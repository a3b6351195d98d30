// Package chaos runs a real server against a random source while everything
// around it dies: the server is killed, PostgreSQL is killed and restarted, its
// connections are cut, the broker goes away, partitions are added, positions are
// moved back, records are sent again and hostile ones are mixed in. What the
// tables hold in the end is compared with the oracle, version by version.
//
// "make torture SEED=1 MINUTES=10" runs it for a while; a short run with fixed
// seeds is an ordinary test. It refuses to know how anything works inside. For
// tests only.
package chaos
