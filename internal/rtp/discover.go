package rtp

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// The defaults of a [Discovery]: requests after 0, 0.5, 1.5, 3.5 and 5.5 s,
// and the end after 7.5 s.
const (
	DiscoveryAttempts = 5
	DiscoveryWait     = 500 * time.Millisecond
	maxDiscoveryWait  = 2 * time.Second
)

// ErrDiscoveryTimeout says that nobody answered: datagrams to this server, or
// from it, are lost.
var ErrDiscoveryTimeout = errors.New("rtp: no answer to IP discovery")

// A Discovery asks a server for the client's address until there is an answer,
// because datagrams get lost. It sends nothing itself. The zero value is not
// started.
type Discovery struct {
	ssrc     uint32
	attempts int           // left
	asked    int           // requests so far
	wait     time.Duration // before the next one
	next     time.Time     // zero unless under way
	addr     netip.AddrPort
	bad      error // why the answer seen last was none
}

// Start asks for the address that ssrc sends from. The first request is due at
// once, the next one a wait later, which doubles up to 2 s each time. Values
// that are not positive stand for [DiscoveryAttempts] and [DiscoveryWait].
func (d *Discovery) Start(now time.Time, ssrc uint32, attempts int, wait time.Duration) {
	if attempts <= 0 {
		attempts = DiscoveryAttempts
	}
	if wait <= 0 {
		wait = DiscoveryWait
	}
	if now.IsZero() {
		now = now.Add(1) // zero means that nothing is scheduled
	}
	*d = Discovery{ssrc: ssrc, attempts: attempts, wait: wait, next: now}
}

// NextDeadline returns when to call [Discovery.HandleTimeout], zero when there
// is nothing to wait for: before the start, with the answer, and after the end.
func (d *Discovery) NextDeadline() time.Time { return d.next }

// HandleTimeout appends the request that is due at now, if one is, and returns
// dst. When the last request has had its time the error is
// [ErrDiscoveryTimeout], and [ErrDiscovery] too if there were answers of no use.
func (d *Discovery) HandleTimeout(now time.Time, dst []byte) ([]byte, error) {
	if d.next.IsZero() || now.Before(d.next) {
		return dst, nil
	}
	if d.attempts == 0 {
		d.next = time.Time{}
		if d.bad != nil {
			return dst, fmt.Errorf("%w: %d requests, the last answer: %w", ErrDiscoveryTimeout, d.asked, d.bad)
		}
		return dst, fmt.Errorf("%w: %d requests", ErrDiscoveryTimeout, d.asked)
	}
	d.attempts--
	d.asked++
	d.next = now.Add(d.wait)
	d.wait = max(d.wait, min(2*d.wait, maxDiscoveryWait))
	return AppendDiscoveryRequest(dst, d.ssrc), nil
}

// Handle reports whether a datagram is the answer. Anything else is ignored:
// the answer to an earlier request for another SSRC may still be on its way,
// and datagrams can be forged.
func (d *Discovery) Handle(datagram []byte) bool {
	if d.next.IsZero() || KindOf(datagram) != KindDiscoveryResponse {
		return false
	}
	ssrc, addr, err := ParseDiscoveryResponse(datagram)
	if err != nil {
		d.bad = err
		return false
	}
	if ssrc != d.ssrc {
		return false
	}
	d.addr, d.next = addr, time.Time{}
	return true
}

// Addr returns the address that the server sees. It is not valid before
// [Discovery.Handle] has reported the answer.
func (d *Discovery) Addr() netip.AddrPort { return d.addr }
