// Package sdnotify tells systemd how the process is doing: ready, alive,
// stopping, and in words.
//
// It owns the protocol of sd_notify(3): datagrams to the socket that
// NOTIFY_SOCKET names. What is ready and what is alive is for others to say. It
// imports only the standard library.
package sdnotify
