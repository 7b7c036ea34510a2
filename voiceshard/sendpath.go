package voiceshard

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/internal/rtp"
)

// DefaultDatagram is the size in bytes of the largest datagram that is sent:
// real networks drop or fragment what is not much larger.
const DefaultDatagram = 1400

// headerSize is the size of the RTP headers that are sent: no contributing
// sources, no extension.
const headerSize = 12

var (
	// errStale reports a packet that was sealed with a key which is gone, that of
	// the transport or that of the end-to-end encryption. It was not sent: rewind
	// to it, and seal its frame again.
	errStale = errors.New("voiceshard: packet was sealed with an earlier key")

	// errNoKey reports a frame that no member could decrypt yet.
	errNoKey = errors.New("voiceshard: the key of the end-to-end encryption is on its way")
)

// A sealedPacket is an Opus frame that is ready to be sent: encrypted end to
// end, if the session is, and with one key of the transport. The zero value is ready for
// seal, which reuses its memory.
//
// Who sends ahead of time seals packets in the order of the frames, keeps the
// frames beside them, and sends each one when it is due:
//
//	s.out.claim()                   // nobody else numbers packets meanwhile
//	defer s.out.release()
//	s.out.seal(&p, frame)           // early
//	err := s.out.send(&p)           // on time
//	if err == errStale {            // another server meanwhile
//		s.out.rewind(&p)            // first the oldest packet that was not sent
//		...                         // and seal its frame, and those after it, again
//	}
//
// Packets that will never be sent, because of a pause or a seek, must be given
// back by rewind as well: the listeners would take the gap for loss.
type sealedPacket struct {
	datagram  []byte
	key       uint64 // see sender.key
	version   uint64 // see cryptor.version
	sequence  uint16
	timestamp uint32
	samples   int  // length of the frame
	silence   bool // the frame was the one of silence
	hollow    bool // not encrypted, because nobody could decrypt it: there is nothing to send
}

// A sender is the half of a session that sends audio. Its numbering outlives
// the transports; what it knows of the current one has its generation.
type sender struct {
	announced atomic.Bool             // the listeners know that there is audio, or will
	shared    atomic.Pointer[cryptor] // cryptor, for those who must not wait for mu

	mu         sync.Mutex // guards what follows, and not own; not held while a datagram is written
	stream     rtp.Stream // numbers of the next packet
	tail       rtp.Tail
	claimed    bool      // by a player
	due        time.Time // end of the last frame that sendNow sent
	generation uint64    // of the transport; 0: none
	conn       net.Conn  // nil while audio cannot flow
	sealer     *rtp.Sealer
	key        uint64     // counts the keys of the sealer
	nonces     rtp.Nonces // that no key of the session has used, while there is no sealer
	cryptor    *cryptor   // nil: no end-to-end encryption
	stats      outboundStats

	writing sync.Mutex // guards own; taken before mu, held while a datagram is written
	own     sealedPacket

	datagram int // the size of the largest one, zero: DefaultDatagram; does not change
}

// room returns how large an Opus packet may be, encrypted end to end or not.
func (o *sender) room() int {
	limit := o.datagram
	if limit == 0 {
		limit = DefaultDatagram
	}
	return limit - headerSize - rtp.Overhead - dave.MaxOverhead
}

// split calls yield with the parts of a packet that fit into datagrams: the
// packet itself mostly, or packets with its frames. The error is [ErrFrame].
func (o *sender) split(packet []byte, yield func(part []byte)) error {
	if len(packet) <= o.room() {
		yield(packet)
		return nil
	}
	fits, err := rtp.Repacketize(packet, o.room(), yield)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrFrame, err)
	case !fits:
		return fmt.Errorf("%w: %d bytes, a datagram has room for %d, and a frame of it has more", ErrFrame, len(packet), o.room())
	}
	return nil
}

// outboundStats are what a sender counts.
type outboundStats struct {
	packets     uint64
	bytes       uint64
	unsent      uint64 // the socket refused
	unencrypted uint64 // frames dropped because there was no key yet
}

// start begins the numbering where nobody can guess.
//
// https://www.rfc-editor.org/rfc/rfc3550#section-5.1
func (o *sender) start(datagram int) {
	o.datagram = datagram
	o.stream.Sequence, o.stream.Timestamp = uint16(rand.Uint32()), rand.Uint32()
}

// attach makes a transport the current one, and a key the current one of the
// transport. Nonces are not used again whichever key it is: a voice server may
// hand out the same one twice.
func (o *sender) attach(m *media, mode rtp.Mode, key []byte, c *cryptor) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.sealer != nil && o.generation == m.generation {
		if err := o.sealer.Rekey(mode, key, o.unused()); err != nil {
			return err
		}
	} else {
		sealer, err := rtp.NewSealer(mode, key, o.unused())
		if err != nil {
			return err
		}
		o.drop()
		o.generation, o.sealer = m.generation, sealer
		o.stream.SSRC = m.ssrc
	}
	o.conn, o.cryptor = m.conn, c
	o.shared.Store(c)
	o.key++
	return nil
}

// unused returns the nonces for another key. They begin anew when they run out,
// which takes a year.
func (o *sender) unused() rtp.Nonces {
	n := o.nonces
	if o.sealer != nil {
		n = o.sealer.Nonces()
	}
	if n.Low() {
		return rtp.ClientNonces()
	}
	return n
}

// detach forgets a transport, if it is still the current one.
func (o *sender) detach(generation uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.generation == generation {
		o.drop()
	}
}

func (o *sender) drop() {
	if o.sealer != nil {
		o.nonces = o.sealer.Nonces()
		o.sealer.Close()
	}
	o.generation, o.conn, o.sealer, o.cryptor = 0, nil, nil, nil
	o.shared.Store(nil)
}

// claim reserves the sender for a player until release: [Session.Write]
// fails. The error is [ErrPlaying].
func (o *sender) claim() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.claimed {
		return ErrPlaying
	}
	o.claimed = true
	return nil
}

// busy reports whether a player is sending.
func (o *sender) busy() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.claimed
}

func (o *sender) release() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.claimed = false
}

// seal numbers and encrypts a frame, and keeps nothing of it. The error is
// [ErrFrame], [ErrNotConnected] while there is no transport, errNoKey, or that
// of the encryption; the numbers are not used up then.
func (o *sender) seal(p *sealedPacket, frame []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	position := o.stream
	err := o.sealLocked(p, frame)
	if err == nil && p.hollow {
		o.stream = position
		return errNoKey
	}
	return err
}

func (o *sender) sealLocked(p *sealedPacket, frame []byte) error {
	samples, err := rtp.Samples(frame)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrFrame, err)
	case len(frame) > o.room():
		return fmt.Errorf("%w: %d bytes, a datagram has room for %d", ErrFrame, len(frame), o.room())
	case o.conn == nil:
		return ErrNotConnected
	}
	datagram, version, hollow, err := o.encrypt(p.datagram, frame)
	if err != nil {
		return err
	}
	position := o.stream
	header := o.stream.Next(samples)
	if hollow {
		o.stream.Sequence = position.Sequence
	} else if datagram, err = o.protect(&header, datagram); err != nil {
		o.stream = position
		return fmt.Errorf("voiceshard: %w", err)
	}
	*p = sealedPacket{
		datagram: datagram, key: o.key, version: version, sequence: position.Sequence, timestamp: position.Timestamp,
		samples: samples, silence: rtp.IsSilence(frame), hollow: hollow,
	}
	return nil
}

// encrypt returns a datagram in the memory of b: room for a header, and the
// frame as it leaves the end-to-end encryption.
func (o *sender) encrypt(b, frame []byte) (datagram []byte, version uint64, hollow bool, err error) {
	if cap(b) < headerSize {
		b = make([]byte, 0, 512)
	}
	b = b[:headerSize]
	if o.cryptor == nil {
		return append(b, frame...), 0, false, nil
	}
	return o.cryptor.encrypt(b, frame)
}

// protect writes the header, and encrypts for the transport.
func (o *sender) protect(h *rtp.Header, datagram []byte) ([]byte, error) {
	if _, err := h.MarshalTo(datagram); err != nil {
		return nil, err
	}
	return o.sealer.Seal(datagram)
}

// send writes a packet to the transport that has the key it was sealed with. The error is
// [ErrNotConnected] while there is none, or errStale. What the socket says is
// counted and not returned: datagrams get lost.
func (o *sender) send(p *sealedPacket) error {
	o.mu.Lock()
	conn, err := o.check(p)
	o.mu.Unlock()
	if err == nil && !p.hollow {
		o.write(conn, p)
	}
	return err
}

// check returns where to write a packet to, and counts it. The caller holds mu.
func (o *sender) check(p *sealedPacket) (net.Conn, error) {
	switch {
	case o.conn == nil:
		return nil, ErrNotConnected
	case o.key != p.key, o.cryptor != nil && o.cryptor.version.Load() != p.version:
		return nil, errStale
	case p.silence:
		o.tail.Sent(silenceFrame)
	case !p.hollow:
		o.tail.Sent(nil)
	}
	if p.hollow {
		o.stats.unencrypted++
		return o.conn, nil
	}
	o.stats.packets++
	o.stats.bytes += uint64(len(p.datagram))
	return o.conn, nil
}

func (o *sender) write(conn net.Conn, p *sealedPacket) {
	if _, err := conn.Write(p.datagram); err != nil {
		o.mu.Lock()
		o.stats.unsent++
		o.mu.Unlock()
	}
}

// rewind gives back the numbers of a packet that was not sent, and of all that
// were sealed after it. Their nonces are not used again.
func (o *sender) rewind(p *sealedPacket) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stream.Sequence, o.stream.Timestamp = p.sequence, p.timestamp
}

// skip lets time pass without packets, such as a pause.
func (o *sender) skip(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stream.Skip(samplesIn(d))
}

// samplesIn returns how many samples a time is long. It wraps as timestamps do.
func samplesIn(d time.Duration) int {
	return int(d/time.Second*rtp.SampleRate) + int(d%time.Second*rtp.SampleRate/time.Second)
}

// lapse is how late a frame may be without taking it for the first one after
// a pause.
const lapse = 200 * time.Millisecond

// sendNow seals a packet and sends it at once, in parts if it is too large.
func (o *sender) sendNow(now time.Time, packet []byte) error {
	if len(packet) <= o.room() {
		return o.sendPart(now, packet)
	}
	var failed error
	if err := o.split(packet, func(part []byte) {
		if failed == nil {
			failed = o.sendPart(now, part)
		}
	}); err != nil {
		return err
	}
	return failed
}

func (o *sender) sendPart(now time.Time, frame []byte) error {
	o.writing.Lock()
	defer o.writing.Unlock()
	conn, err := o.prepare(now, frame)
	if err == nil && !o.own.hollow {
		o.write(conn, &o.own)
	}
	return err
}

// prepare seals a frame into the sender's own packet. The caller holds writing.
func (o *sender) prepare(now time.Time, frame []byte) (net.Conn, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.claimed {
		return nil, ErrPlaying
	}
	position := o.stream
	late := now.Sub(o.due)
	if paused := late > lapse; paused && !o.due.IsZero() {
		o.stream.Skip(samplesIn(late))
	}
	conn, err := o.sealOwn(frame)
	if err != nil {
		o.stream = position
		return nil, err
	}
	if late > lapse {
		o.due = now
	}
	o.due = o.due.Add(time.Duration(o.own.samples) * time.Second / rtp.SampleRate)
	return conn, nil
}

// sealOwn seals a frame into the sender's own packet, and returns where to
// write it to. The keys may change meanwhile, which does not go on for ever.
func (o *sender) sealOwn(frame []byte) (net.Conn, error) {
	for {
		position := o.stream
		if err := o.sealLocked(&o.own, frame); err != nil {
			return nil, err
		}
		conn, err := o.check(&o.own)
		if err != errStale {
			return conn, err
		}
		o.stream = position
	}
}

// wornOut reports whether the key has been used for too long.
func (o *sender) wornOut() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sealer != nil && o.sealer.Nonces().Low()
}

// owed returns how many frames of silence must follow before the sender may stop.
func (o *sender) owed() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.tail.Owed()
}

// silenceFrame is 20 ms of silence.
var silenceFrame = rtp.AppendSilence(nil)
