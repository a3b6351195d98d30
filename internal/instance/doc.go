// Package instance is one installation on disk: the data directory, metadb.conf in it, and the lock
// of the process that uses it.
//
// It owns the directory's layout and rights, the keys of the configuration and the messages about
// faults in them. It refuses to connect to anything: it returns connection strings. It is the first
// package that the server or a command uses.
//
//	data/metadb.conf   configuration, 0600
//	data/metadb.pid    lock; holds the process id while a server or command runs
//	data/instance_id   name of this installation among Kafka's group members
//	data/secret.key    key of the secrets that are stored in the database, 0600
//	data/.s.PGSQL.8550 Unix socket of the administration port, made by pgwire
package instance
