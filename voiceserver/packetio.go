package voiceserver

import (
	"net"
	"net/netip"

	"github.com/discordpkg/gateway/voiceserver/relay"
)

// A packetIO is a socket as a relay needs it. One goroutine receives; several
// may send.
type packetIO interface {
	// receive waits for datagrams, and returns how many there are.
	receive(in []inbound) (n int, err error)

	// send sends what can be sent. Datagrams that cannot are lost, as they are
	// on the way.
	send(out []relay.Datagram)

	close()
}

// An inbound datagram has a buffer, of which receive makes data.
type inbound struct {
	from   netip.AddrPort
	data   []byte
	buffer []byte
}

// inboxSize is how many datagrams are received at once, if so many wait.
const inboxSize = 32

func newInbox() []inbound {
	in := make([]inbound, inboxSize)
	for i := range in {
		in[i].buffer = make([]byte, relay.MaxDatagram+1) // one more shows what was cut off
	}
	return in
}

// socketBuffer is the size in bytes that the system is asked for, so that a
// burst does not get lost before it is read.
const socketBuffer = 4 << 20

func newPacketIO(socket net.PacketConn) packetIO {
	if buffered, ok := socket.(interface {
		SetReadBuffer(int) error
		SetWriteBuffer(int) error
	}); ok { // a smaller buffer works as well
		_ = buffered.SetReadBuffer(socketBuffer)
		_ = buffered.SetWriteBuffer(socketBuffer)
	}
	if udp, ok := socket.(*net.UDPConn); ok && isIPv4(udp) {
		return newBatched(udp)
	}
	if fast, ok := socket.(addrPortConn); ok {
		return oneByOne{fast}
	}
	return anyConn{socket}
}

// isIPv4 reports whether a socket is for IPv4 only.
func isIPv4(udp *net.UDPConn) bool {
	addr, ok := udp.LocalAddr().(*net.UDPAddr)
	return ok && addr.IP.To4() != nil
}

// An addrPortConn is a socket that does not allocate addresses, as
// [net.UDPConn] does not.
type addrPortConn interface {
	ReadFromUDPAddrPort(b []byte) (n int, addr netip.AddrPort, err error)
	WriteToUDPAddrPort(b []byte, addr netip.AddrPort) (int, error)
	Close() error
}

// oneByOne makes a system call for each datagram.
type oneByOne struct{ conn addrPortConn }

func (o oneByOne) receive(in []inbound) (int, error) {
	n, from, err := o.conn.ReadFromUDPAddrPort(in[0].buffer)
	if err != nil {
		return 0, err
	}
	in[0].from, in[0].data = from, in[0].buffer[:n]
	return 1, nil
}

func (o oneByOne) send(out []relay.Datagram) {
	for i := range out {
		_, _ = o.conn.WriteToUDPAddrPort(out[i].Data, out[i].To)
	}
}

func (o oneByOne) close() { _ = o.conn.Close() }

// anyConn serves sockets that know nothing but [net.Addr].
type anyConn struct{ conn net.PacketConn }

func (a anyConn) receive(in []inbound) (int, error) {
	n, from, err := a.conn.ReadFrom(in[0].buffer)
	if err != nil {
		return 0, err
	}
	addr, err := netip.ParseAddrPort(from.String())
	if err != nil {
		return 0, nil // of a kind that cannot be answered
	}
	in[0].from, in[0].data = addr, in[0].buffer[:n]
	return 1, nil
}

func (a anyConn) send(out []relay.Datagram) {
	for i := range out {
		_, _ = a.conn.WriteTo(out[i].Data, net.UDPAddrFromAddrPort(out[i].To))
	}
}

func (a anyConn) close() { _ = a.conn.Close() }
