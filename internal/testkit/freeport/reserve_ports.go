package freeport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// firstPort and lastPort bound the ports that are tried, up to the kernel's range.
const (
	firstPort = 10_000
	lastPort  = 32_000
)

// maxTries is the number of ports that a call checks before it fails.
const maxTries = 1000

// ErrNone is the error of Reserve without enough free ports.
var ErrNone = errors.New("no free port found")

// Reserve returns n TCP ports at 127.0.0.1 without a listener. Until this process ends no other
// call, in this process or another, returns them again.
func Reserve(n int) ([]int, error) {
	below := min(lastPort, firstEphemeralPort())
	ports := make([]int, 0, n)
	for tries := 0; len(ports) < n; tries++ {
		if tries == maxTries {
			return nil, ErrNone
		}
		port := firstPort + rand.IntN(below-firstPort)
		mine, err := claimPort(port)
		if err != nil {
			return nil, err
		}
		if mine && isFree(port) {
			ports = append(ports, port)
		}
	}
	return ports, nil
}

// firstEphemeralPort returns the first port that the kernel assigns to outgoing connections; see
// ip_local_port_range in https://docs.kernel.org/networking/ip-sysctl.html. If that leaves fewer
// than maxTries ports above firstPort, it returns lastPort, and Reserve uses ports of the kernel's
// range too.
func firstEphemeralPort() int {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return lastPort
	}
	low, _, _ := strings.Cut(string(text), "\t")
	port, err := strconv.Atoi(strings.TrimSpace(low))
	if err != nil || port < firstPort+maxTries {
		return lastPort
	}
	return port
}

// claimPort reports whether this call is the first in any living process to claim a port. The claim is
// a name in the abstract namespace of Unix sockets: it leaves no file, and the kernel frees it with
// the process.
func claimPort(port int) (bool, error) {
	socket, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("claim port %d: %w", port, err)
	}
	err = syscall.Bind(socket, &syscall.SockaddrUnix{Name: fmt.Sprintf("@metadb-port-%d", port)})
	if err == nil {
		return true, nil
	}
	_ = syscall.Close(socket)
	if errors.Is(err, syscall.EADDRINUSE) {
		return false, nil
	}
	return false, fmt.Errorf("claim port %d: %w", port, err)
}

func isFree(port int) bool {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
