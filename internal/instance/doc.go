// Package instance is one installation on disk: the data directory,
// metadb.conf in it, and the lock that says which process runs it.
//
// It owns the directory's layout and rights, the keys of the configuration and
// the wording of what is wrong with them. It refuses to connect to anything:
// it hands out connection strings. It comes before everything else when the
// server or a command starts.
//
//	data/metadb.conf   configuration, 0600
//	data/metadb.pid    lock; holds the process id while a server or command runs
//	data/instance_id   name of this installation among Kafka's group members
//	data/.s.PGSQL.8550 Unix socket of the administration port, made by pgwire
package instance
