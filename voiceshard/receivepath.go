package voiceshard

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard/internal/histogram"
	"github.com/discordpkg/gateway/voiceshard/internal/jitter"
)

const (
	// maxSources is how many SSRCs a session listens to. A channel has room for
	// 99 users, and those who reconnect get new ones.
	maxSources = 512

	// maxHeld is how many packets of one source are kept whose sender or key is
	// not known.
	maxHeld = 100

	// maxPayloads bounds what all sources keep.
	maxPayloads = 4096

	// idle is how long a source must have been silent to make room for another one.
	idle = 30 * time.Second
)

// inbound is the half of a session that receives audio: from the datagram over
// the transport encryption, the order, the name of the sender and the
// end-to-end encryption to the queue. Its goroutine is that of the transport;
// that of the websocket brings names and keys.
type inbound struct {
	queue queue

	mu       sync.Mutex // guards what follows
	off      bool       // nobody wants to receive
	reorder  time.Duration
	hold     time.Duration
	opener   *rtp.Opener // nil: no key
	mode     rtp.Mode
	key      [sha256.Size]byte // its hash, of the key of opener
	cryptor  *cryptor          // nil: no end-to-end encryption
	packet   rtp.Packet
	fill     Packet // the next one for the queue
	sources  map[uint32]*source
	waiting  []*source                // that hold packets back
	names    map[uint32]snowflake.ID  // who has an SSRC
	departed []departure              // whose SSRCs are to be forgotten, in order
	tallies  map[snowflake.ID]*Counts // of the whole session
	present  map[snowflake.ID]struct{}
	free     []*payload
	payloads int // in use
	stats    inboundStats
}

// A payload is a packet without its transport encryption.
type payload struct {
	b []byte
}

// start makes the zero value ready.
func (in *inbound) start(c *config) {
	in.queue.start(c.queue)
	in.off, in.reorder, in.hold = c.queue == 0, c.reorder, c.hold
	in.reset()
}

// reset forgets everybody: another voice server has other SSRCs.
func (in *inbound) reset() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, s := range in.sources {
		in.retire(s)
	}
	in.sources = make(map[uint32]*source)
	in.names = make(map[uint32]snowflake.ID)
	in.present = make(map[snowflake.ID]struct{})
	in.waiting = in.waiting[:0]
	in.departed = nil
}

// attach sets the keys of a transport.
func (in *inbound) attach(mode rtp.Mode, key []byte, c *cryptor) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.cryptor = c
	if in.opener != nil && in.mode == mode && in.key == sha256.Sum256(key) {
		return nil
	}
	opener, err := rtp.NewOpener(mode, key)
	if err != nil {
		return err
	}
	in.forgetKey()
	in.opener, in.mode, in.key = opener, mode, sha256.Sum256(key)
	return nil
}

// detach forgets the keys of a transport. Packets that wait for others before
// them are handed out.
func (in *inbound) detach() {
	in.mu.Lock()
	defer in.mu.Unlock()
	now := time.Now()
	for _, s := range in.sources {
		in.flush(now, s)
	}
	in.tidy()
	in.forgetKey()
	in.cryptor = nil
}

func (in *inbound) forgetKey() {
	if in.opener != nil {
		in.opener.Close()
		in.opener = nil
	}
	clear(in.key[:])
}

// close ends what is received.
func (in *inbound) close() { in.queue.close() }

// receive takes a datagram with media. It is overwritten.
func (in *inbound) receive(now time.Time, datagram []byte) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.off {
		return
	}
	if in.opener == nil {
		in.stats.early++
		return
	}
	in.stats.datagrams++
	in.stats.bytes += uint64(len(datagram))
	plain, err := in.opener.Open(datagram)
	if err != nil {
		in.stats.forged++
		return
	}
	if err := in.packet.Unmarshal(plain); err != nil {
		in.stats.malformed++
		return
	}
	if in.packet.PayloadType != rtp.PayloadTypeOpus {
		in.stats.foreign++
		return
	}
	in.forget(now)
	s := in.source(now, in.packet.SSRC)
	if s == nil {
		in.stats.refused++
		return
	}
	in.sort(now, s)
}

// ignore counts a datagram with reports about media.
func (in *inbound) ignore() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.stats.reports++
}

// sort puts the packet in its place among those of its source.
func (in *inbound) sort(now time.Time, s *source) {
	p := &in.packet
	s.heard = now
	s.tally.Packets++
	item := in.keep(p.Payload)
	if item == nil {
		in.stats.refused++
		return
	}
	fate := s.order.Push(now, p.Sequence, p.Timestamp, item)
	if fate != jitter.Duplicate {
		s.meter.Observe(now, p.Timestamp)
	}
	switch fate {
	case jitter.Late:
		in.late(now, s, item)
		in.release(item)
	case jitter.Duplicate:
		s.tally.Duplicates++
		in.release(item)
	case jitter.Full:
		in.stats.refused++
		in.release(item)
	}
	in.drain(now, s)
}

// keep copies a payload. It returns nil if too many are kept.
func (in *inbound) keep(b []byte) *payload {
	if in.payloads >= maxPayloads {
		return nil
	}
	in.payloads++
	var p *payload
	if n := len(in.free); n > 0 {
		p, in.free = in.free[n-1], in.free[:n-1]
	} else {
		p = new(payload)
	}
	p.b = append(p.b[:0], b...)
	return p
}

// release gives back what keep returned.
func (in *inbound) release(p *payload) {
	if p == nil {
		return
	}
	in.payloads--
	if cap(p.b) <= datagramSize/4 {
		in.free = append(in.free, p)
	}
}

// total adds up how unevenly the packets of all sources arrived.
func (in *inbound) total() histogram.Histogram {
	sum := in.stats.spread
	for _, s := range in.sources {
		sum.Add(s.meter.Spread())
	}
	return sum
}
