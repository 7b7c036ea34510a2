package voiceshard

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// The timestamp steps by what the TOC byte says, not by 20 ms.
func TestTimestampsOfFrames(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		frames := [][]byte{{0xe0}, {0xe8}, {0xf0}, {0xf8}, {0x10}, {0x18}, {0x19}, {0xfb, 6}}
		steps := []uint32{120, 240, 480, 960, 1920, 2880, 5760, 5760}
		for _, f := range append(frames, opus(1)) {
			_, err := s.Write(f)
			require.NoError(t, err)
		}
		sleep(0)
		_, headers := d.server(theHost).audio()
		for i, step := range steps {
			require.Equal(t, step, headers[i+1].Timestamp-headers[i].Timestamp, "frame %d", i)
			require.Equal(t, uint16(1), headers[i+1].Sequence-headers[i].Sequence)
		}
	})
}

// discordgo skips a value when the timestamp wraps.
func TestNumbersWrap(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		s.out.stream.Sequence, s.out.stream.Timestamp = 0xffff, 0xffffffff-959
		for n := range 3 {
			_, err := s.Write(opus(n))
			require.NoError(t, err)
		}
		sleep(0)
		_, headers := d.server(theHost).audio()
		require.Equal(t, []uint32{0xfffffc40, 0, 960}, []uint32{headers[0].Timestamp, headers[1].Timestamp, headers[2].Timestamp})
		require.Equal(t, []uint16{0xffff, 0, 1}, []uint16{headers[0].Sequence, headers[1].Sequence, headers[2].Sequence})
	})
}

// A description with another key is obeyed.
func TestNewKeyOnTheSameConnection(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		host := d.server(theHost)
		host.mu.Lock()
		host.key = [32]byte{9}
		host.mu.Unlock()
		host.last().describe()
		sleep(0)
		_, err := s.Write(opus(1))
		require.NoError(t, err)
		sleep(0)
		heard, _ := host.audio()
		require.Equal(t, [][]byte{opus(1)}, heard)
		host.say(rtp.Packet{Header: rtp.Header{SSRC: 5, Sequence: 1}, Payload: opus(2)})
		host.last().send(opcode.VoiceSpeaking, `{"speaking":1,"ssrc":5,"user_id":"6"}`)
		p, err := s.Receive(t.Context())
		require.NoError(t, err)
		require.Equal(t, opus(2), p.Opus)
	})
}

// Time passes for the listeners when nobody speaks.
func TestPauseOfTheWriter(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		for n := range 3 {
			_, err := s.Write(opus(n))
			require.NoError(t, err)
			sleep(25 * time.Millisecond) // a little late is no pause
		}
		sleep(10*time.Second - 75*time.Millisecond)
		_, err := s.Write(opus(3))
		require.NoError(t, err)
		sleep(0)
		_, headers := d.server(theHost).audio()
		require.Equal(t, uint32(1920), headers[2].Timestamp-headers[0].Timestamp)
		require.Equal(t, uint32(480000), headers[3].Timestamp-headers[0].Timestamp)
		require.Equal(t, uint16(3), headers[3].Sequence-headers[0].Sequence)
	})
}

func TestWriteRefuses(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		for _, frame := range [][]byte{nil, {0xfb}, {0xfb, 0}, bytes.Repeat([]byte{0xfc}, 1353)} {
			n, err := s.Write(frame)
			require.ErrorIs(t, err, ErrFrame)
			require.Zero(t, n)
		}
		require.Zero(t, s.Stats().PacketsSent)
	})
}

// Discord wants Speaking before the first audio, and users forget it.
func TestWriteSpeaksByItself(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		say := func(frame []byte) []string {
			_, err := s.Write(frame)
			require.NoError(t, err)
			sleep(0)
			return d.server(theHost).last().all(opcode.VoiceSpeaking)
		}
		require.Empty(t, say(silenceFrame))
		require.Equal(t, []string{`{"speaking":1,"delay":0,"ssrc":1001}`}, say(opus(1)))
		require.Len(t, say(opus(2)), 1)
		require.NoError(t, s.StopSpeaking(t.Context()))
		require.Len(t, say(opus(3)), 3)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, s.Speaking(ctx, 1), context.Canceled)
	})
}

func TestStopSpeakingInAHurry(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		_, err := s.Write(opus(1))
		require.NoError(t, err)
		start := time.Now()
		require.NoError(t, s.StopSpeaking(t.Context()))
		require.Equal(t, 100*time.Millisecond, time.Since(start))
		require.NoError(t, s.StopSpeaking(t.Context()), "there is nothing to stop")
		require.Equal(t, 100*time.Millisecond, time.Since(start))
		_, err = s.Write(opus(2))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, s.StopSpeaking(ctx))
		require.Equal(t, 100*time.Millisecond, time.Since(start))
		sleep(0)
		heard, _ := d.server(theHost).audio()
		require.Len(t, heard, 12)
	})
}

// The key goes while somebody speaks: there is nobody to whom silence is owed.
func TestStopSpeakingWithoutKey(t *testing.T) {
	l := new(lock)
	l.ready.Store(true)
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		_, err := s.Write(opus(1))
		require.NoError(t, err)
		l.ready.Store(false)
		start := time.Now()
		require.NoError(t, s.StopSpeaking(t.Context()))
		require.Equal(t, 100*time.Millisecond, time.Since(start))
		require.Equal(t, uint64(5), s.Stats().Unencrypted)
	}, withLock(l))
}

// What a player does: seal ahead, send on time, and start over when the server
// has changed meanwhile.
func TestSealAhead(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		require.NoError(t, s.Speaking(t.Context(), gateway.SpeakingMicrophone))
		require.NoError(t, s.out.claim())
		require.ErrorIs(t, s.out.claim(), ErrPlaying)
		_, err := s.Write(opus(0))
		require.ErrorIs(t, err, ErrPlaying)
		require.NoError(t, s.StopSpeaking(t.Context()), "a player stops by itself")
		sleep(0)
		require.NotContains(t, d.server(theHost).last().all(opcode.VoiceSpeaking), `{"speaking":0,"delay":0,"ssrc":1001}`)

		var ahead [4]sealedPacket
		for i := range ahead {
			require.NoError(t, s.out.seal(&ahead[i], opus(i)))
		}
		require.NoError(t, s.out.send(&ahead[0]))
		require.NoError(t, s.out.send(&ahead[1]))
		d.server(theHost).last().close(4006)
		sleep(0)
		require.ErrorIs(t, s.out.send(&ahead[2]), ErrNotConnected)
		require.ErrorIs(t, s.out.seal(new(sealedPacket), opus(4)), ErrNotConnected)
		require.NoError(t, s.Ready(t.Context()))
		require.ErrorIs(t, s.out.send(&ahead[2]), errStale)
		s.out.rewind(&ahead[2])
		for i := 2; i < 4; i++ {
			require.NoError(t, s.out.seal(&ahead[i], opus(i)))
			require.NoError(t, s.out.send(&ahead[i]))
		}
		sleep(0)
		heard, headers := d.server(theHost).audio()
		require.Equal(t, [][]byte{opus(0), opus(1), opus(2), opus(3)}, heard)
		for i := range headers {
			require.Equal(t, headers[0].Sequence+uint16(i), headers[i].Sequence)
			require.Equal(t, headers[0].Timestamp+uint32(960*i), headers[i].Timestamp)
		}
		s.out.skip(time.Second)
		require.Equal(t, headers[3].Timestamp+960+48000, s.out.stream.Timestamp)
		s.out.release()
		_, err = s.Write(opus(4))
		require.NoError(t, err)
	})
}

// What the socket refuses is counted: datagrams get lost anyway.
func TestSocketRefuses(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		s.out.mu.Lock()
		s.out.conn = refusing{}
		s.out.mu.Unlock()
		_, err := s.Write(opus(1))
		require.NoError(t, err)
		require.Equal(t, uint64(1), s.Stats().Unsent)
	})
}

type refusing struct{ net.Conn }

func (refusing) Write([]byte) (int, error) { return 0, errors.New("no buffer space available") }

// golibdave #104: frames are encrypted into memory of our own, and the caller's
// are left alone, also when they pass through.
func TestEndToEndEncryptedAudio(t *testing.T) {
	l := new(lock)
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		host := d.server(theHost)
		require.Contains(t, host.last().all(opcode.VoiceIdentify)[0], `"max_dave_protocol_version":1`)
		frame := slices.Grow(opus(1), 100)
		_, err := s.Write(frame)
		require.NoError(t, err, "the bot is alone, nobody could decrypt it")
		host.last().number(opcode.DAVEPrepareTransition, `{}`)
		host.last().number(opcode.DAVEExecuteTransition, `{}`)
		sleep(0)
		_, err = s.Write(frame)
		require.NoError(t, err)
		sleep(0)
		require.Equal(t, opus(1), frame)
		heard, headers := host.audio()
		require.Equal(t, [][]byte{append([]byte(bot.String()), opus(1)...)}, heard)
		require.Equal(t, s.out.stream.Sequence, headers[0].Sequence+1)
		require.Equal(t, uint64(1), s.Stats().Unencrypted)
		require.Equal(t, []string{`{"transition_id":1}`}, host.last().all(opcode.DAVETransitionReady))
	}, withLock(l))
}

// An exception of discord.js's DAVE kills the process; here it costs a session.
func TestEndToEndEncryptionFails(t *testing.T) {
	l := &lock{broken: errors.New("no group")}
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		d.server(theHost).last().number(opcode.DAVEPrepareEpoch, `{}`)
		sleep(2 * time.Second)
		require.NoError(t, s.Ready(t.Context()))
		require.Equal(t, 2, d.server(theHost).count())
		require.Len(t, d.sent(), 3)
	}, withLock(l))
}

func TestEndToEndEncryptionIsNotMade(t *testing.T) {
	for _, machine := range []error{nil, errors.New("no entropy")} {
		run(t, func(t *testing.T, d *discord) {
			_, err := d.voice.Join(t.Context(), guild, lobby)
			require.ErrorIs(t, err, ErrUnreachable)
			require.ErrorContains(t, err, "end-to-end encryption")
			require.Zero(t, d.server(theHost).count())
		}, WithAttempts(1), WithE2EE(func(_, _ snowflake.ID) (FrameCryptor, error) { return nil, machine }))
	}
}

// passing returns the end-to-end encryption of a call that is not encrypted.
func passing(tb testing.TB) *cryptor {
	machine, err := newDAVE()(bot, lobby)
	require.NoError(tb, err)
	c := &cryptor{machine: machine}
	_, err = c.HandleVoice(time.Now(), gateway.VoiceMessage{Op: opcode.VoiceSessionDescription, Data: []byte(`{"dave_protocol_version":0}`)})
	require.NoError(tb, err)
	return c
}

type discard struct{ net.Conn }

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// sending returns a sender with a transport that leads nowhere.
func sending(tb testing.TB, c *cryptor) *sender {
	var o sender
	o.start(DefaultDatagram)
	require.NoError(tb, o.attach(&media{generation: 1, conn: discard{}, ssrc: 1}, rtp.AES256GCM, make([]byte, rtp.KeySize), c))
	return &o
}

func TestSendingDoesNotAllocate(t *testing.T) {
	frame := append([]byte{0xfc}, make([]byte, 160)...)
	var o *sender
	for _, c := range []*cryptor{passing(t), nil} {
		o = sending(t, c)
		require.Zero(t, testing.AllocsPerRun(1000, func() {
			if err := o.sendNow(time.Now(), frame); err != nil {
				t.Fatal(err)
			}
		}))
	}
	var p sealedPacket
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if o.seal(&p, frame) != nil || o.send(&p) != nil {
			t.Fatal("not sent")
		}
	}))
	o.detach(2)
	require.NoError(t, o.sendNow(time.Now(), frame))
	o.detach(1)
	require.ErrorIs(t, o.sendNow(time.Now(), frame), ErrNotConnected)
	require.False(t, o.wornOut())
}

func BenchmarkSend(b *testing.B) {
	o := sending(b, nil)
	frame := append([]byte{0xfc}, make([]byte, 160)...)
	b.ReportAllocs()
	for b.Loop() {
		if err := o.sendNow(time.Now(), frame); err != nil {
			b.Fatal(err)
		}
	}
}

// Those who speak in short words are not closed with 4021: the flags are told
// less often, and the last ones in the end.
func TestSpeakingIsLimited(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		for n := range 500 {
			require.NoError(t, s.Speaking(t.Context(), gateway.SpeakingFlags(n%2)))
			sleep(120 * time.Millisecond)
		}
		told := d.server(theHost).last().all(opcode.VoiceSpeaking)
		require.Less(t, len(told), 90)
		require.NoError(t, s.Speaking(t.Context(), 4))
		sleep(2 * time.Second)
		told = d.server(theHost).last().all(opcode.VoiceSpeaking)
		require.Contains(t, told[len(told)-1], `"speaking":4`)
	})
}
