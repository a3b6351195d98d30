// Package sdnotify reports the state of the process to systemd: ready, alive, stopping, and a line
// of text.
//
// It owns the protocol of sd_notify(3): datagrams to the socket that NOTIFY_SOCKET names. The
// caller decides when the process is ready and alive. It imports only the standard library.
package sdnotify
