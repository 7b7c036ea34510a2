package voiceshard

import (
	"io"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/voiceshard/audio"
)

const (
	// grain is the shortest frame: gaps are made of it.
	grain = 2500 * time.Microsecond

	// lead is what a decoder needs to swing in, and what is left out of the
	// playing time.
	//
	// https://www.rfc-editor.org/rfc/rfc7845#section-4.2
	lead        = 80 * time.Millisecond
	leadSamples = int(lead * rtp.SampleRate / time.Second)

	// concealable is how much of what was lost a decoder can make up.
	concealable = 120 * time.Millisecond

	// tooLate and tooEarly are how far the arrival of a packet may be from where
	// its timestamp puts it. A network delays packets, and delivers what it
	// delayed in a burst; but it does not deliver them before they are sent, and
	// clients that pause without counting it in their timestamps are later and
	// later.
	tooLate  = time.Second
	tooEarly = 200 * time.Millisecond
)

// A track is the recording of one user.
type track struct {
	file     io.WriteCloser
	ogg      *audio.OggWriter
	ssrc     uint32
	stamp    uint32        // timestamp of the last packet
	at       time.Duration // where that is in the recording
	heard    bool
	lost     bool // packets since then
	toc      byte // of the last packet
	failed   error
	reported bool
}

// take records a packet that arrived at a time of the recording.
func (t *track) take(p *Packet, now time.Duration) {
	if p.Verdict != OK || len(p.Opus) == 0 {
		t.lost = true
		return
	}
	t.fill(t.place(p, now))
	if t.failed == nil {
		t.failed = t.ogg.WriteFrame(p.Opus)
	}
	t.toc, t.lost = p.Opus[0], false
}

// place decides where in the recording a packet belongs: where its timestamp
// puts it, as long as that agrees with its arrival.
func (t *track) place(p *Packet, now time.Duration) time.Duration {
	at := t.at + time.Duration(int32(p.Timestamp-t.stamp))*time.Second/rtp.SampleRate
	late := now - at
	if !t.heard || p.Restart || p.SSRC != t.ssrc || late > tooLate || late < -tooEarly {
		at = now
	}
	t.heard, t.ssrc, t.stamp, t.at = true, p.SSRC, p.Timestamp, at
	return at
}

// fill writes what is missing up to a time of the recording. A little loss is
// left to the decoder, for which frames without content are a request; the
// rest is silence.
//
// https://www.rfc-editor.org/rfc/rfc7845#section-4.1
func (t *track) fill(to time.Duration) {
	gap := (to - t.ogg.Position()).Round(grain)
	if t.lost && gap <= concealable {
		empty := [1]byte{t.toc &^ 3} // one frame, of no bytes
		length, err := rtp.Duration(empty[:])
		for err == nil && gap >= length && t.failed == nil {
			t.failed = t.ogg.WriteFrame(empty[:])
			gap -= length
		}
	}
	if t.failed == nil {
		t.failed = t.ogg.WriteSilence(gap)
	}
}

// close ends the file at a time of the recording. A file that failed is closed
// as it is.
func (t *track) close(end time.Duration) error {
	if t.failed == nil {
		t.lost = false
		t.fill(end)
	}
	if t.failed == nil {
		t.failed = t.ogg.Close()
	}
	if t.file != nil {
		if err := t.file.Close(); err != nil && t.failed == nil {
			t.failed = err
		}
	}
	return t.failed
}
