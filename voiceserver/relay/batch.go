package relay

import (
	"net/netip"

	"github.com/discordpkg/gateway/internal/rtp"
)

// MaxDatagram is the largest size in bytes that [WithMaxDatagram] takes.
const MaxDatagram = 2048

// DefaultDatagram is the size in bytes of the largest datagram that is forwarded,
// unless [WithMaxDatagram] says otherwise: what real networks carry in one piece.
const DefaultDatagram = 1400

// bufferSize has room for padding and for what encryption adds.
const bufferSize = MaxDatagram + 256 + rtp.Overhead

// A Batch is the datagrams that a [Relay] wants sent. Its buffers are used
// again after Reset. The zero value is empty.
type Batch struct {
	packets []Datagram // the first n are in use
	n       int
}

// A Datagram is one of a [Batch].
type Datagram struct {
	To   netip.AddrPort
	Data []byte // of bufferSize bytes at least
}

// Datagrams returns what is to be sent, in order. It is valid until Reset.
func (b *Batch) Datagrams() []Datagram { return b.packets[:b.n] }

// Reset forgets the datagrams.
func (b *Batch) Reset() { b.n = 0 }

// add returns an empty datagram.
func (b *Batch) add(to netip.AddrPort) *Datagram {
	if b.n == len(b.packets) {
		b.packets = append(b.packets, Datagram{Data: make([]byte, 0, bufferSize)})
	}
	d := &b.packets[b.n]
	b.n++
	d.To, d.Data = to, d.Data[:0]
	return d
}

// drop takes the last datagram back.
func (b *Batch) drop() { b.n-- }
