// Package wire is the administration port: PostgreSQL's protocol 3 on TCP and on a Unix socket in
// the data directory.
//
// It owns authentication, the two query protocols and the relay. Package command executes the
// commands; SQL is sent to the database on the session's own connection. The database's answers are
// relayed byte for byte, except that control characters in errors and notices become spaces.
//
//	accept ──startup──▶ TLS ──▶ who ──▶ password ──▶ session
//
//	session:  client ──main──▶ command?  yes ──▶ Executor ─────────────────┐
//	                              │ no                                     ▼
//	                              └──▶ database ──pump──▶ pendingReplies ──▶ client
//
// A session has two goroutines. The main one reads from the client and is the only one that writes
// to the database; the pump copies the database's answers to the client. They share the queue of
// pending replies: before the main one answers a command itself, it waits until the answers to all
// earlier messages are written. So answers keep their order, also in a pipeline.
//
// The connection to the database is opened when it is first needed: the port answers "list status"
// while the database is down, and idle sessions use no connection of the database.
//
// https://www.postgresql.org/docs/current/protocol.html
package wire
