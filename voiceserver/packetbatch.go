package voiceserver

import (
	"errors"
	"net"
	"sync"

	"github.com/discordpkg/gateway/voiceserver/relay"
	"golang.org/x/net/ipv4"
)

// batched receives and sends many datagrams with one system call where the
// system can, which saves a fifth of the time that a packet takes. Each
// received datagram costs two small allocations for its address. It is for
// sockets of IPv4 only.
type batched struct {
	conn  *net.UDPConn
	batch *ipv4.PacketConn
	in    []ipv4.Message

	mu    sync.Mutex // guards what follows; held while sending, which waits for the system only
	out   []ipv4.Message
	addrs []net.UDPAddr // of out
}

// outboxSize is how many datagrams are sent with one call.
const outboxSize = 64

func newBatched(conn *net.UDPConn) *batched {
	b := &batched{
		conn: conn, batch: ipv4.NewPacketConn(conn),
		in:    make([]ipv4.Message, inboxSize),
		out:   make([]ipv4.Message, outboxSize),
		addrs: make([]net.UDPAddr, outboxSize),
	}
	for i := range b.in {
		b.in[i].Buffers = make([][]byte, 1)
	}
	for i := range b.out {
		b.addrs[i].IP = make(net.IP, net.IPv4len)
		b.out[i] = ipv4.Message{Buffers: make([][]byte, 1), Addr: &b.addrs[i]}
	}
	return b
}

func (b *batched) receive(in []inbound) (int, error) {
	messages := b.in[:min(len(in), len(b.in))]
	for i := range messages {
		messages[i].Buffers[0] = in[i].buffer
	}
	n, err := b.batch.ReadBatch(messages, 0)
	if err != nil {
		return 0, err
	}
	for i, m := range messages[:n] {
		in[i].data = in[i].buffer[:m.N]
		if addr, ok := m.Addr.(*net.UDPAddr); ok {
			in[i].from = addr.AddrPort()
		}
	}
	return n, nil
}

func (b *batched) send(out []relay.Datagram) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(out) > 0 {
		n := 0
		for ; n < len(out) && n < len(b.out); n++ {
			ip := out[n].To.Addr().Unmap().As16()
			copy(b.addrs[n].IP, ip[len(ip)-net.IPv4len:])
			b.addrs[n].Port = int(out[n].To.Port())
			b.out[n].Buffers[0] = out[n].Data
		}
		for rest := b.out[:n]; len(rest) > 0; {
			sent, err := b.batch.WriteBatch(rest, 0)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			rest = rest[max(1, sent):] // one that cannot be sent is lost
		}
		out = out[n:]
	}
}

func (b *batched) close() { _ = b.conn.Close() }
