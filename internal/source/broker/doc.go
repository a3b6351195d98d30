// Package broker connects the options of a data source with the queries of package kafka: the
// security settings of its connections, with the decrypted password, and the bounds of its topics
// for package resync. It owns no connection.
package broker
