package pcm

import (
	"fmt"
	"sync"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard"
)

const (
	// tooLate and tooEarly are how far the arrival of a packet may be from where
	// its timestamp puts it. Networks deliver late, and in bursts; what comes
	// earlier or much later than it says has another clock.
	tooLate  = time.Second
	tooEarly = 200 * time.Millisecond

	// maxFill is the longest pause within speech that is filled with silence;
	// after a longer one the speech begins again.
	maxFill = time.Second

	// fadeSamples is how long concealed sound takes to fade: 20 ms.
	fadeSamples = FrameSamples
)

// A speaker is one user of a [Receiver].
type speaker struct {
	id        snowflake.ID
	decoder   *guarded
	resampler *Resampler // nil: 48 kHz stereo
	ssrc      uint32
	stamp     uint32 // of the sound that comes next
	length    int    // samples of the last packet
	lost      int    // packets since then
	speaking  bool
	last      time.Time // arrival of the last packet

	base    time.Duration // where the speech began, on the clock
	emitted int64         // samples since then, at the rate of the chunks
}

// hear takes a packet that arrived.
func (r *Receiver) hear(u *speaker, p *voiceshard.Packet) {
	samples := u.length
	if n, err := rtp.Samples(p.Opus); err == nil && p.Verdict == voiceshard.OK {
		samples = n
	}
	gap := int(int32(p.Timestamp - u.stamp))
	late := p.Arrival.Sub(r.start) - u.base - r.spoken(u) - span(int64(gap)*Channels)
	switch {
	case !u.speaking, p.Restart, p.SSRC != u.ssrc, gap < 0, late > tooLate, late < -tooEarly,
		time.Duration(gap)*time.Second/Rate > maxFill:
		r.begin(u, p)
	case gap > 0:
		r.bridge(u, p, gap)
	}
	u.lost, u.last, u.ssrc = 0, p.Arrival, p.SSRC
	u.stamp = p.Timestamp + uint32(samples)
	if p.Verdict == voiceshard.Undecryptable {
		r.stats.add(func(s *ReceiverStats) { s.Undecryptable++ })
		r.silence(u, Undecryptable, samples, p.Err)
		return
	}
	n, err := 0, errEmpty
	if len(p.Opus) > 0 { // for a decoder nothing means something else: a loss
		n, err = u.decoder.do(r.pcm, func(d FrameDecoder) (int, error) { return d.Decode(p.Opus, r.pcm) })
	}
	if err != nil {
		r.stats.add(func(s *ReceiverStats) { s.Broken++ })
		r.silence(u, Broken, samples, err)
		return
	}
	u.length = n
	u.stamp = p.Timestamp + uint32(n)
	r.stats.add(func(s *ReceiverStats) { s.Decoded++ })
	r.emit(u, Heard, r.pcm[:n*Channels], nil)
}

// errEmpty reports a packet without content.
var errEmpty = fmt.Errorf("%w: an empty packet", ErrCodec)

// spoken returns how long the speech of a user is so far.
func (r *Receiver) spoken(u *speaker) time.Duration {
	hertz, _ := r.Rate()
	return time.Duration(u.emitted) * time.Second / time.Duration(hertz)
}

// begin makes a packet the first one of a speech.
func (r *Receiver) begin(u *speaker, p *voiceshard.Packet) {
	if u.speaking {
		r.stop(u)
	}
	if p.Restart || p.SSRC != u.ssrc {
		u.decoder.decoder.Reset()
	}
	end := u.base + r.spoken(u)
	u.base, u.emitted, u.speaking = max(p.Arrival.Sub(r.start), end, 0), 0, true
}

// stop ends the speech of a user: what is left in the filter comes out.
func (r *Receiver) stop(u *speaker) {
	at := u.base + r.spoken(u)
	c := Chunk{User: u.id, Kind: Stopped, At: at}
	if u.resampler != nil {
		from := len(r.arena)
		r.arena = u.resampler.Flush(r.arena)
		c.PCM = r.arena[from:len(r.arena):len(r.arena)]
		u.emitted += int64(len(c.PCM))
	}
	r.queue = append(r.queue, c)
	u.speaking = false
}

// bridge fills the gap before a packet. What was lost is made from the copy that
// the packet may have, and made up before that, and fades when it gets long; where
// nothing was lost the user sent nothing.
func (r *Receiver) bridge(u *speaker, next *voiceshard.Packet, gap int) {
	if u.lost == 0 || u.length == 0 {
		r.silence(u, Quiet, gap, nil)
		return
	}
	copied := 0 // by FEC, from the packet
	if next.Verdict == voiceshard.OK && gap >= u.length {
		copied = min(u.length, MaxSamples/2)
	}
	budget := int(valuesIn(r.config.Conceal) / Channels)
	rest := gap - copied
	made := min(rest, max(budget-copied, 0))
	for done := 0; done < made; {
		n := r.conceal(u, min(made-done, FrameSamples), rest > made && done+FrameSamples >= made)
		done += n
	}
	r.silence(u, Quiet, rest-made, nil)
	if copied == 0 {
		return
	}
	n, err := u.decoder.do(r.pcm, func(d FrameDecoder) (int, error) { return d.Recover(next.Opus, copied, r.pcm) })
	if err != nil || n != copied {
		r.silence(u, Quiet, copied, nil)
		return
	}
	r.stats.add(func(s *ReceiverStats) { s.Recovered++ })
	r.emit(u, Concealed, r.pcm[:n*Channels], nil)
}

// conceal makes up so many samples, which fade if nothing follows.
func (r *Receiver) conceal(u *speaker, samples int, fade bool) int {
	n, err := u.decoder.do(r.pcm, func(d FrameDecoder) (int, error) { return d.Conceal(samples, r.pcm) })
	if err != nil || n <= 0 || n > samples {
		r.silence(u, Quiet, samples, nil)
		return samples
	}
	if fade {
		for i := range n * Channels {
			r.pcm[i] *= max(0, 1-float32(i/Channels)/fadeSamples)
		}
	}
	r.stats.add(func(s *ReceiverStats) { s.Recovered++ })
	r.emit(u, Concealed, r.pcm[:n*Channels], nil)
	return n
}

// silence brings silence of so many samples at 48 kHz.
func (r *Receiver) silence(u *speaker, k Kind, samples int, why error) {
	if samples <= 0 {
		if why != nil {
			r.emit(u, k, nil, why)
		}
		return
	}
	if k == Quiet && u.lost > 0 {
		r.stats.add(func(s *ReceiverStats) { s.Silent++ })
	}
	for samples > 0 {
		n := min(samples, MaxSamples)
		clear(r.pcm[:n*Channels])
		r.emit(u, k, r.pcm[:n*Channels], why)
		samples -= n
	}
}

// emit queues a chunk of 48 kHz stereo in the form that is wanted.
func (r *Receiver) emit(u *speaker, k Kind, pcm []float32, why error) {
	c := Chunk{User: u.id, Kind: k, Start: u.emitted == 0, At: u.base + r.spoken(u), Err: why}
	from := len(r.arena)
	if u.resampler == nil {
		r.arena = append(r.arena, pcm...)
		u.emitted += int64(len(pcm) / Channels)
	} else {
		mono := pcm[:len(pcm)/Channels] // in place: what is read is never behind what is written
		for i := range mono {
			mono[i] = (pcm[2*i] + pcm[2*i+1]) / 2
		}
		r.arena = u.resampler.Process(r.arena, mono)
		u.emitted += int64(len(r.arena) - from)
	}
	c.PCM = r.arena[from:len(r.arena):len(r.arena)]
	r.queue = append(r.queue, c)
}

// statsBox guards stats.
type statsBox struct {
	mu    sync.Mutex
	stats ReceiverStats
}

func (b *statsBox) add(f func(*ReceiverStats)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.stats)
}

func (b *statsBox) get() ReceiverStats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.stats
}
