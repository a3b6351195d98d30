// Package wire is the administration port: PostgreSQL's protocol 3 on TCP and on a Unix socket in
// the data directory.
//
// It owns authentication, the two query protocols and the relay. Package command parses and
// executes the commands; SQL is sent to the database on the session's own connection. The
// database's answers are relayed byte for byte, except that control characters in errors and
// notices become spaces.
//
// A connection passes through these states; each arrow without a label is the next message:
//
//	             cancel request ──▶ closed
//	                  │
//	accepted ──▶ startup ⇄ TLS ──▶ authenticating ──▶ greeted
//	    │             │                  │               │
//	    │ too many    │ timeout          │ refused       │
//	    ▼             ▼                  ▼               ▼
//	    └───────▶ closed with an error ◀─┘            ┌─ idle ◀───────────────────────────┐
//	                                                  │   │ Query                         │
//	        Terminate, broken protocol, shutdown:     │   ├──▶ simple: commands and SQL ──┤ ReadyForQuery
//	        closed ◀──────────────────────────────────┤   │                               │
//	                                                  │   │ Parse, Bind, Describe, …      │
//	                                                  │   └──▶ extended ───────── Sync ───┤
//	                                                  │           │ error of a command    │
//	                                                  └───────────▼                       │
//	                                                           skipping ─────── Sync ─────┘
//
// The parts of a session:
//
//	session ──▶ client             framing, output, the last message
//	   ├──────▶ simpleProtocol     Query and function calls
//	   ├──────▶ extendedProtocol   Parse, Bind, Describe, Execute, Close, Sync
//	   │            └──▶ preparedCommands: statements and portals that are commands
//	   ├──────▶ commandRunner      executes a command, cancels it, answers with its progress
//	   └──────▶ backend            the database: connection, reported parameters, awaited answers
//	                └──▶ databaseConn ──▶ pendingReplies
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
