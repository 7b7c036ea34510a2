package rtp

import (
	"encoding/binary"
	"time"
)

// KeepaliveSize is the size in bytes of a keepalive: a counter, little endian.
const KeepaliveSize = 8

// KeepaliveInterval is the time between two keepalives. Without them a server
// stops sending to a client that is silent for some minutes, and a NAT between
// them forgets the way back.
const KeepaliveInterval = 5 * time.Second

// A Keepalive is the schedule of keepalives. Servers send them back, which
// measures the way of the datagrams. The zero value is stopped.
type Keepalive struct {
	next    time.Time // zero while stopped
	counter uint64    // of the next one
	sent    time.Time // the last one, zero once it is answered
	rtt     time.Duration
}

// Start makes the first keepalive due at once. The counter goes on.
func (k *Keepalive) Start(now time.Time) {
	if now.IsZero() {
		now = now.Add(1) // zero means that nothing is scheduled
	}
	k.next = now
}

// Stop ends the schedule.
func (k *Keepalive) Stop() { k.next = time.Time{} }

// NextDeadline returns when to call [Keepalive.HandleTimeout], zero while stopped.
func (k *Keepalive) NextDeadline() time.Time { return k.next }

// HandleTimeout appends the keepalive that is due at now, if one is, and
// returns dst. One that is a little late does not move those after it; those
// that were missed are not made up for.
func (k *Keepalive) HandleTimeout(now time.Time, dst []byte) []byte {
	if k.next.IsZero() || now.Before(k.next) {
		return dst
	}
	k.next = k.next.Add(KeepaliveInterval)
	if !now.Before(k.next) {
		k.next = now.Add(KeepaliveInterval)
	}
	dst = binary.LittleEndian.AppendUint64(dst, k.counter)
	k.counter++
	k.sent = now
	return dst
}

// Handle takes a keepalive that came back at now, and reports whether it was
// the last one sent. Others are ignored.
func (k *Keepalive) Handle(now time.Time, datagram []byte) bool {
	if len(datagram) != KeepaliveSize || k.sent.IsZero() || binary.LittleEndian.Uint64(datagram) != k.counter-1 {
		return false
	}
	k.rtt = max(0, now.Sub(k.sent))
	k.sent = time.Time{}
	return true
}

// RTT returns how long the keepalive that came back last was on its way, zero
// if none did.
func (k *Keepalive) RTT() time.Duration { return k.rtt }
