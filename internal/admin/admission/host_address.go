package admission

import "net"

// loopbackHost stands for every loopback address: a client that can use one of them can use all.
const loopbackHost = "loopback"

// Host returns an address without its port, as the key for places and failures. All loopback
// addresses are one key, and so is an IPv6 network: a client that has one address of it has all
// 2^64. For a Unix socket the key is the name of its network.
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
