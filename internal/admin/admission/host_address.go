package admission

import "net"

// loopbackHost stands for every address of this machine's own network: whoever may use
// one of them may use all.
const loopbackHost = "loopback"

// Host returns an address without its port, as what places and failures are counted by.
// All addresses of loopback are one, and an IPv6 network is: who has one address of it
// has all of its 2^64. A Unix socket is its network's name.
func Host(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	switch {
	case !ok:
		return addr.Network()
	case tcp.IP.IsLoopback():
		return loopbackHost
	case tcp.IP.To4() != nil:
		return tcp.IP.String()
	}
	const network, bits = 64, 128
	return tcp.IP.Mask(net.CIDRMask(network, bits)).String()
}
