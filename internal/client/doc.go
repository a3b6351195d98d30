// Package client is the command line's side of a server: [Client] sends commands to the running
// server of a data directory, through the Unix socket in it; the functions with the suffix Offline,
// [Offline] and [Upgrade] work on a database on which no server runs, and exclude servers
// meanwhile.
//
// It reads columns, SQLSTATEs, hints and JSON, and never the text of a message
// (docs/spec/07-commands.md#status has the columns). It owns no rule about synchronizations, which
// is in package resync, and prints nothing: the caller passes a resync.Prompter. Only cmd/metadb
// and tests import it.
package client
