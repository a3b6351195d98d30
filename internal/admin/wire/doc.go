// Package wire is the administration port: PostgreSQL's protocol 3 on TCP and
// on a Unix socket in the data directory.
//
// It owns who may connect, the two query protocols and the relay. It refuses
// the meaning of commands, which is adminexec's, and of SQL, which is the
// database's: what is not a command goes to the database on a connection of the
// session's own, and comes back byte for byte.
//
//	accept ──startup──▶ TLS ──▶ who ──▶ password ──▶ session
//
//	session:  client ──main──▶ command?  yes ──▶ adminexec ──────────┐
//	                              │ no                               ▼
//	                              └──▶ database ──pump──▶ expect ──▶ client
//
// A session has two goroutines. The main one reads the client and is the only
// one that writes to the database; the pump copies the database's answers to
// the client. The queue of expected answers joins them: before the main one
// answers a command itself, it waits until the answers to everything that was
// sent before are out. So answers keep their order, also in a pipeline.
//
// The connection to the database is made when it is first needed: the port
// answers "list status" while the database is down, and idle sessions cost the
// database nothing.
//
// https://www.postgresql.org/docs/current/protocol.html
package wire
