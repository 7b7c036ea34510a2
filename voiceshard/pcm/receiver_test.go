package pcm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard"
)

// wire is a session whose packets arrive when a test says so.
type wire struct{ packets chan *voiceshard.Packet }

func newWire() *wire { return &wire{make(chan *voiceshard.Packet, 10_000)} }

func (w *wire) Receive(ctx context.Context) (*voiceshard.Packet, error) {
	select {
	case p, ok := <-w.packets:
		if !ok {
			return nil, errHungUp
		}
		return p, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

var errHungUp = errors.New("hung up")

// talk is what one user says, as packets.
type talk struct {
	user  snowflake.ID
	ssrc  uint32
	all   [][]byte
	first uint32 // timestamp
}

func speech(t testing.TB, user snowflake.ID, s Source, c EncoderConfig) *talk {
	t.Helper()
	e, err := NewEncoder(s, c)
	require.NoError(t, err)
	tk := &talk{user: user, ssrc: uint32(user), first: math.MaxUint32 - 5*FrameSamples} // it wraps
	for {
		p, err := e.ReadFrame()
		if err == io.EOF {
			return tk
		}
		require.NoError(t, err)
		tk.all = append(tk.all, bytes.Clone(p))
	}
}

func (tk *talk) packet(i int) *voiceshard.Packet {
	return &voiceshard.Packet{
		User: tk.user, SSRC: tk.ssrc, Sequence: uint16(i), Timestamp: tk.first + uint32(i*FrameSamples), Count: 1,
		Opus: tk.all[i], Arrival: time.Now(),
	}
}

// say sends the packets at their pace, but for those that are lost.
func (tk *talk) say(w *wire, lost func(i int) bool) {
	gone := 0
	for i := range tk.all {
		if lost != nil && lost(i) {
			gone++
		} else {
			p := tk.packet(i)
			if gone > 0 {
				w.packets <- &voiceshard.Packet{User: tk.user, SSRC: tk.ssrc, Count: gone, Verdict: voiceshard.Lost, Arrival: time.Now()}
				gone = 0
			}
			w.packets <- p
		}
		time.Sleep(FrameTime)
	}
}

// hear collects the chunks until the receiver ends, copied.
func hear(t testing.TB, ctx context.Context, r *Receiver) (all []Chunk) {
	t.Helper()
	for {
		c, err := r.Next(ctx)
		if err != nil {
			require.ErrorIs(t, err, errHungUp)
			return all
		}
		k := *c
		k.PCM = append([]float32(nil), c.PCM...)
		all = append(all, k)
	}
}

// soundOf joins the chunks of a user, with silence where they jump.
func soundOf(all []Chunk, user snowflake.ID, r *Receiver) (p []float32) {
	hertz, channels := r.Rate()
	for _, c := range all {
		if c.User != user {
			continue
		}
		at := int(math.Round(c.At.Seconds()*float64(hertz))) * channels
		for len(p) < at {
			p = append(p, 0)
		}
		p = append(p, c.PCM...)
	}
	return p
}

func newReceiver(t testing.TB, w PacketReader, c ReceiverConfig) *Receiver {
	t.Helper()
	r, err := NewReceiver(w, c)
	require.NoError(t, err)
	return r
}

// trip says something over a wire that loses packets, and returns what was heard.
func trip(t *testing.T, c ReceiverConfig, tk *talk, lost func(i int) bool) (all []Chunk, r *Receiver) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		r = newReceiver(t, w, c)
		go func() {
			tk.say(w, lost)
			time.Sleep(time.Second)
			close(w.packets)
		}()
		all = hear(t, t.Context(), r)
	})
	return all, r
}

// TestHeard wants what was said: complete, in one piece, at its time.
func TestHeard(t *testing.T) {
	said := all(t, Sweep(200, 3000, 0.5, time.Second))
	chunks, r := trip(t, ReceiverConfig{}, speech(t, 7, Sweep(200, 3000, 0.5, time.Second), EncoderConfig{}), nil)
	require.Len(t, chunks, 52, "51 packets, and the end")
	at := time.Duration(0)
	for i, c := range chunks {
		require.Equal(t, i == 0, c.Start)
		require.Equal(t, at, c.At)
		at += span(int64(len(c.PCM)))
	}
	require.Equal(t, Stopped, chunks[51].Kind)
	c, late := likeness(said, soundOf(chunks, 7, r), 1000)
	require.Greater(t, c, 0.98)
	require.Equal(t, 2*312, late, "the codec's look-ahead")
	require.Equal(t, ReceiverStats{Decoded: 51, Decoders: 1}, r.Stats())
}

// TestSpeechIsMono at 16 kHz, with all of its end.
func TestSpeechIsMono(t *testing.T) {
	chunks, r := trip(t, ReceiverConfig{Speech: true}, speech(t, 7, Sweep(200, 3000, 0.5, time.Second), EncoderConfig{}), nil)
	hertz, channels := r.Rate()
	require.Equal(t, []int{16000, 1}, []int{hertz, channels})
	got := soundOf(chunks, 7, r)
	require.Equal(t, 51*320, len(got))
	stereo, err := SourceOf(bytes.NewReader(Float32.Append(nil, got)), Format{Sample: Float32, Rate: 16000, Channels: 1})
	require.NoError(t, err)
	c, late := likeness(all(t, Sweep(200, 3000, 0.5, time.Second)), all(t, stereo), 1000)
	require.Greater(t, c, 0.97)
	require.InDelta(t, 2*312, late, 6)
}

// TestPauses wants short ones filled, and long ones to begin anew at their time,
// with nothing made up: nothing was lost.
func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		r := newReceiver(t, w, ReceiverConfig{})
		go func() {
			tk := speech(t, 7, Tone(300, 0.5, 3*time.Second), EncoderConfig{})
			for i := range tk.all {
				switch {
				case i >= 10 && i < 20: // 200 ms in which the user sends nothing
				case i >= 50 && i < 110: // 1.2 s
				default:
					w.packets <- tk.packet(i)
				}
				time.Sleep(FrameTime)
			}
			close(w.packets)
		}()
		chunks := hear(t, t.Context(), r)
		var starts []time.Duration
		for _, c := range chunks {
			require.NotEqual(t, Concealed, c.Kind)
			if c.Start {
				starts = append(starts, c.At)
			}
		}
		require.Equal(t, []time.Duration{0, 110 * FrameTime}, starts)
		got := soundOf(chunks, 7, r)
		require.Equal(t, 151*frameValues, len(got))
		require.Zero(t, peakOf(got[10*frameValues:20*frameValues]))
	})
}

// TestOneClock wants users who begin at different times to be where they were.
func TestOneClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		r := newReceiver(t, w, ReceiverConfig{})
		go func() {
			speech(t, 1, Tone(300, 0.5, 100*time.Millisecond), EncoderConfig{}).say(w, nil)
			time.Sleep(380 * time.Millisecond)
			speech(t, 2, Tone(300, 0.5, 100*time.Millisecond), EncoderConfig{}).say(w, nil)
			again := speech(t, 1, Tone(300, 0.5, 100*time.Millisecond), EncoderConfig{})
			again.ssrc = 77 // it has reconnected
			again.say(w, nil)
			close(w.packets)
		}()
		chunks := hear(t, t.Context(), r)
		starts := make(map[snowflake.ID][]time.Duration)
		for _, c := range chunks {
			if c.Start {
				starts[c.User] = append(starts[c.User], c.At)
			}
		}
		require.Equal(t, []time.Duration{500 * time.Millisecond}, starts[2])
		require.Equal(t, []time.Duration{0, 620 * time.Millisecond}, starts[1])
		require.Equal(t, 620*time.Millisecond+120*time.Millisecond, r.Now())
	})
}

// TestOddPackets wants each to be harmless, and to be counted.
func TestOddPackets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		r := newReceiver(t, w, ReceiverConfig{})
		go func() {
			tk := speech(t, 7, Tone(300, 0.5, 200*time.Millisecond), EncoderConfig{})
			for i := range tk.all {
				p := tk.packet(i)
				switch i {
				case 2:
					p.Opus, p.Verdict, p.Err = nil, voiceshard.Undecryptable, errHungUp
				case 4:
					p.Opus = []byte{0xff, 0xff, 0xff}
				case 5:
					p.Opus = nil
				case 6:
					w.packets <- &voiceshard.Packet{User: 7, Verdict: voiceshard.Late, Opus: tk.all[3], Arrival: time.Now()}
					w.packets <- &voiceshard.Packet{Opus: tk.all[3], Arrival: time.Now()}
					w.packets <- &voiceshard.Packet{User: 8, Verdict: voiceshard.Lost, Count: 3, Arrival: time.Now()}
				}
				w.packets <- p
				time.Sleep(FrameTime)
			}
			close(w.packets)
		}()
		chunks := hear(t, t.Context(), r)
		require.Equal(t, 11, len(chunks))
		for i, c := range chunks {
			want := Heard
			switch i {
			case 2:
				want = Undecryptable
				require.ErrorIs(t, c.Err, errHungUp)
			case 4, 5:
				want = Broken
				require.ErrorIs(t, c.Err, ErrCodec)
			}
			require.Equal(t, want, c.Kind, "chunk %d", i)
			require.Equal(t, frameValues, len(c.PCM), "chunk %d", i)
			require.Equal(t, time.Duration(i)*FrameTime, c.At)
		}
		require.Equal(t, ReceiverStats{Decoded: 8, Undecryptable: 1, Broken: 2, Late: 1, Refused: 1, Decoders: 1}, r.Stats())
	})
}

// TestDecodersAreBounded wants a cap, and idle decoders to go.
func TestDecodersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		r := newReceiver(t, w, ReceiverConfig{MaxUsers: 2, Idle: 5 * time.Second})
		tk := speech(t, 1, Tone(300, 0.5, 20*time.Millisecond), EncoderConfig{})
		say := func(user snowflake.ID) {
			p := tk.packet(0)
			p.User = user
			w.packets <- p
		}
		go func() {
			for user := range snowflake.ID(5) {
				say(user + 1)
			}
			time.Sleep(time.Second) // all have stopped
			say(9)
			time.Sleep(10 * time.Second)
			close(w.packets)
		}()
		chunks := hear(t, t.Context(), r)
		var heard []snowflake.ID
		for _, c := range chunks {
			if c.Kind == Heard {
				heard = append(heard, c.User)
			}
		}
		require.Equal(t, []snowflake.ID{1, 2, 9}, heard)
		require.EqualValues(t, 3, r.Stats().Refused)
		require.Zero(t, r.Stats().Decoders, "they are silent for longer than Idle")
	})
}

// TestNextEnds with its context, not with a time at which it looks.
func TestNextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		r := newReceiver(t, w, ReceiverConfig{})
		tk := speech(t, 1, Tone(300, 0.5, 20*time.Millisecond), EncoderConfig{})
		w.packets <- tk.packet(0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		kinds := []Kind{}
		for {
			c, err := r.Next(ctx)
			if err != nil {
				require.ErrorIs(t, err, context.DeadlineExceeded)
				break
			}
			kinds = append(kinds, c.Kind)
		}
		require.Equal(t, []Kind{Heard, Stopped}, kinds)
		require.Equal(t, time.Minute, time.Since(began))
	})
	for _, c := range []ReceiverConfig{{MaxUsers: -1}, {Idle: -1}, {Pause: -1}, {Conceal: -1}, {Conceal: time.Hour}} {
		_, err := NewReceiver(newWire(), c)
		require.ErrorContains(t, err, "pcm: ")
	}
	require.Equal(t, "stopped", Stopped.String())
	require.Equal(t, "unknown kind", Kind(99).String())
}

// TestPanickingDecoder goes on with a new one.
func TestPanickingDecoder(t *testing.T) {
	chunks, r := trip(t, ReceiverConfig{Codec: moodyCodec()}, speech(t, 7, Tone(300, 0.5, time.Second), EncoderConfig{}), nil)
	require.Equal(t, 51*frameValues, len(soundOf(chunks, 7, r)))
	require.EqualValues(t, 17, r.Stats().Broken)
	require.EqualValues(t, 34, r.Stats().Decoded)
}

// TestAligned writes two users into files that line up.
func TestAligned(t *testing.T) {
	chunks, r := trip(t, ReceiverConfig{}, speech(t, 7, Tone(300, 0.5, 100*time.Millisecond), EncoderConfig{}), nil)
	var b bytes.Buffer
	w, err := NewWAVWriter(&b, Format{})
	require.NoError(t, err)
	a := NewAligned(w, r)
	for _, c := range chunks {
		c.At += 500 * time.Millisecond
		require.NoError(t, a.Write(&c))
	}
	require.NoError(t, a.Pad(time.Second))
	require.Error(t, a.Pad(1000*time.Hour))
	require.NoError(t, w.Close())
	s, err := NewWAVReader(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	got := all(t, s)
	require.Equal(t, int(valuesIn(time.Second)), len(got))
	require.Zero(t, peakOf(got[:valuesIn(500*time.Millisecond)]))
	require.InDelta(t, 0.5, peakOf(got[valuesIn(500*time.Millisecond):]), 0.1)
}

// FuzzReceiver feeds packets of any kind, in any order.
func FuzzReceiver(f *testing.F) {
	f.Add([]byte("\x01\x00\x05\xf8\xff\xfe\x02\x01\x05\xf8\xff\xfe"), true)
	f.Add([]byte("\x01\x00\x03\x0b\x01\x02\x01\x81\x04\xfc\x7f\x00\x00"), false)
	f.Fuzz(func(t *testing.T, b []byte, mono bool) {
		w := newWire()
		now := time.Unix(1e9, 0)
		stamp := uint32(0)
		for n := 0; len(b) > 3 && n < 50; n++ {
			size := min(int(b[2]), len(b)-3)
			now = now.Add(time.Duration(b[1]&0x3f) * 10 * time.Millisecond)
			stamp += uint32(b[1]) * 480
			w.packets <- &voiceshard.Packet{
				User: snowflake.ID(b[0] & 3), SSRC: uint32(b[0] >> 6), Timestamp: stamp, Count: int(b[1] & 7), Arrival: now,
				Verdict: voiceshard.Verdict(b[0] >> 2 & 3), Restart: b[0]&0x10 != 0, Opus: b[3 : 3+size],
			}
			b = b[3+size:]
		}
		close(w.packets)
		r := newReceiver(t, w, ReceiverConfig{Speech: mono, Idle: 1000 * time.Hour, Pause: 1000 * time.Hour})
		u, err := NewUtterances(r, UtteranceConfig{})
		require.NoError(t, err)
		for {
			next, err := u.Next(t.Context())
			if err != nil {
				require.ErrorIs(t, err, errHungUp)
				break
			}
			require.LessOrEqual(t, next.Start, next.End)
		}
		for _, c := range u.Rest() {
			require.False(t, c.Began && len(c.PCM) > 0)
		}
	})
}
