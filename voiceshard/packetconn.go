package voiceshard

import (
	"context"
	"net"
	"net/netip"
	"time"
)

// dialUDP opens a socket that hears nobody but the server.
func dialUDP(ctx context.Context, server netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "udp", server.String())
}

// connectPacket makes a socket hear nobody but the server.
func connectPacket(pc net.PacketConn, server netip.AddrPort) net.Conn {
	if u, ok := pc.(*net.UDPConn); ok {
		return &udpConn{UDPConn: u, server: server, ip: server.Addr().Unmap()}
	}
	return &packetConn{PacketConn: pc, server: net.UDPAddrFromAddrPort(server)}
}

// A udpConn is a socket of the operating system, which knows addresses that
// need no allocation.
type udpConn struct {
	*net.UDPConn
	server netip.AddrPort
	ip     netip.Addr
}

func (c *udpConn) Read(p []byte) (int, error) {
	for {
		n, from, err := c.ReadFromUDPAddrPort(p)
		if err != nil || from.Port() == c.server.Port() && from.Addr().Unmap().WithZone("") == c.ip.WithZone("") {
			return n, err
		}
	}
}

func (c *udpConn) Write(p []byte) (int, error) { return c.WriteToUDPAddrPort(p, c.server) }

// A packetConn is any other socket.
type packetConn struct {
	net.PacketConn
	server *net.UDPAddr
}

func (c *packetConn) Read(p []byte) (int, error) {
	for {
		n, from, err := c.ReadFrom(p)
		if err != nil {
			return n, err
		}
		if u, ok := from.(*net.UDPAddr); !ok || u.Port == c.server.Port && u.IP.Equal(c.server.IP) {
			return n, nil
		}
	}
}

func (c *packetConn) Write(p []byte) (int, error) { return c.WriteTo(p, c.server) }

func (c *packetConn) RemoteAddr() net.Addr              { return c.server }
func (c *packetConn) SetReadDeadline(t time.Time) error { return c.PacketConn.SetReadDeadline(t) }
