package voiceshard

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

const voiceOfOther = `{"speaking":1,"delay":0,"ssrc":77,"user_id":"104694319306248193"}`

// from returns a packet of the other user.
func from(sequence uint16, payload []byte) rtp.Packet {
	return rtp.Packet{Header: rtp.Header{SSRC: 77, Sequence: sequence, Timestamp: uint32(sequence) * 960}, Payload: payload}
}

// next returns the next packet, which must be there.
func next(t *testing.T, s *Session) *Packet {
	t.Helper()
	p, err := tryNext(t, s)
	require.NoError(t, err)
	return p
}

// tryNext returns the next packet if there is one.
func tryNext(t *testing.T, s *Session) (*Packet, error) {
	sleep(0)
	ctx, cancel := context.WithTimeout(t.Context(), 1)
	defer cancel()
	return s.Receive(ctx)
}

func nothing(t *testing.T, s *Session) {
	t.Helper()
	p, err := tryNext(t, s)
	require.ErrorIs(t, err, context.DeadlineExceeded, "%+v", p)
}

// hearing joins a channel where the other user speaks.
func (d *discord) hearing() (*Session, *server) {
	s, host := d.join(), d.server(theHost)
	host.last().number(opcode.VoiceSpeaking, voiceOfOther)
	sleep(0)
	return s, host
}

func TestReceive(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		start := time.Now()
		host.say(from(9, opus(1)))
		p := next(t, s)
		require.Equal(t, &Packet{User: other, SSRC: 77, Sequence: 9, Timestamp: 9 * 960, Count: 1, Opus: opus(1), Arrival: start, Restart: p.Restart}, p)
		require.Equal(t, other, s.User(77))
		clone := p.Clone()
		host.say(from(10, opus(2)))
		require.Same(t, p, next(t, s), "the packet is reused")
		require.Equal(t, opus(2), p.Opus)
		require.Equal(t, opus(1), clone.Opus)
		nothing(t, s)
		require.Equal(t, "ok", p.Verdict.String())
	})
}

// songbird #269, discordgo #1554, kord #1008: Speaking comes before the key,
// and even before Ready, when somebody speaks already.
func TestSpeakingBeforeTheKey(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		host := d.server(theHost)
		host.onMessage(func(c *client, m gateway.VoiceMessage) {
			if m.Op == opcode.VoiceIdentify || m.Op == opcode.VoiceSelectProtocol {
				c.number(opcode.VoiceClientsConnect, `{"user_ids":["104694319306248193"]}`)
				c.number(opcode.VoiceSpeaking, voiceOfOther)
			}
			host.serve(c, m)
		})
		s := d.join()
		host.say(from(1, opus(1)))
		require.Equal(t, other, next(t, s).User)
		require.Equal(t, []snowflake.ID{other}, s.Users())
	})
}

// Packets whose sender is not known yet are held, not dropped, and keep their order.
func TestUnknownSSRCIsHeld(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.join(), d.server(theHost)
		for n := range uint16(20) {
			host.say(from(n, opus(int(n))))
			sleep(20 * time.Millisecond)
		}
		nothing(t, s)
		host.last().number(opcode.VoiceSpeaking, voiceOfOther)
		for n := range uint16(20) {
			p := next(t, s)
			require.Equal(t, n, p.Sequence)
			require.Equal(t, other, p.User)
			require.Equal(t, opus(int(n)), p.Opus)
		}
		host.say(from(20, opus(20)))
		require.Equal(t, opus(20), next(t, s).Opus)
	})
}

// Without a name they are handed out all the same, as far as they can be read.
func TestUnknownSSRCForGood(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		var options []Option
		if encrypted {
			l := new(lock)
			l.ready.Store(true)
			options = append(options, withLock(l))
		}
		run(t, func(t *testing.T, d *discord) {
			s, host := d.join(), d.server(theHost)
			host.say(from(1, opus(1)))
			host.say(from(3, opus(3)))
			sleep(defaultHold + time.Millisecond)
			p := next(t, s)
			require.Zero(t, p.User)
			if encrypted {
				require.Equal(t, Undecryptable, p.Verdict)
				require.ErrorIs(t, p.Err, ErrUnknownUser)
				require.Empty(t, p.Opus)
				require.Equal(t, uint64(2), s.Stats().Received.UnknownUser, "the wait for the one before counts")
				return
			}
			require.Equal(t, OK, p.Verdict)
			require.Equal(t, opus(1), p.Opus)
			p = next(t, s)
			require.Equal(t, Lost, p.Verdict)
			require.Equal(t, opus(3), next(t, s).Opus)
		}, options...)
	}
}

// The other clients send Video with the SSRC of their audio.
func TestNameOfVideo(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.join(), d.server(theHost)
		host.last().number(opVideo, `{"user_id":"104694319306248193","audio_ssrc":77,"video_ssrc":78}`)
		sleep(0)
		require.Equal(t, other, s.User(77))
		require.Zero(t, s.User(78))
		for _, nonsense := range []string{`7`, `{"user_id":"x"}`, `null`, `[]`} {
			for _, op := range []opcode.Voice{opVideo, opcode.VoiceSpeaking, opcode.VoiceClientsConnect, opcode.VoiceClientDisconnect} {
				host.last().number(op, nonsense)
			}
		}
		sleep(0)
		require.Equal(t, 1, host.count(), "what makes no sense is ignored")
	})
}

func TestLostAndLate(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		host.say(from(65534, opus(1)))
		require.Equal(t, opus(1), next(t, s).Opus)
		host.say(from(1, opus(4)))
		nothing(t, s)
		sleep(defaultReorder)
		p := next(t, s)
		require.Equal(t, Lost, p.Verdict)
		require.Equal(t, uint16(65535), p.Sequence)
		require.Equal(t, 2, p.Count)
		require.Empty(t, p.Opus)
		require.Equal(t, opus(4), next(t, s).Opus)
		host.say(from(65535, opus(2)))
		p = next(t, s)
		require.Equal(t, Late, p.Verdict)
		require.Equal(t, uint16(65535), p.Sequence)
		require.Equal(t, opus(2), p.Opus)
		host.say(from(0, nil))
		nothing(t, s)
		st := s.Stats().Received
		require.Equal(t, Counts{Packets: 4, OK: 2, Late: 2, Lost: 2}, st)
		user, ok := s.UserStats(other)
		require.True(t, ok)
		require.Equal(t, st, user.Counts)
		require.Equal(t, []uint32{77}, user.SSRCs)
		_, ok = s.UserStats(1)
		require.False(t, ok)
	})
}

func TestReorderedAndDuplicated(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		for _, n := range []uint16{1, 3, 3, 2, 1, 4} {
			host.say(from(n, opus(int(n))))
		}
		for n := range 4 {
			require.Equal(t, opus(n+1), next(t, s).Opus)
		}
		nothing(t, s)
		require.Equal(t, uint64(2), s.Stats().Received.Duplicates)
	})
}

// What may be around the audio: padding (which breaks the trailer of
// end-to-end encryption where it is not cut off: Discord.Net #3262, davey #15),
// the marker bit (disgo drops such packets), extensions and sources.
func TestPacketsWithTrimmings(t *testing.T) {
	l := new(lock)
	l.ready.Store(true)
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		for n, change := range []func(p *rtp.Packet){
			func(*rtp.Packet) {},
			func(p *rtp.Packet) { p.PaddingSize = 7 },
			func(p *rtp.Packet) { p.Marker = true },
			func(p *rtp.Packet) { p.CSRC[0], p.CSRCCount = 5, 1 },
			func(p *rtp.Packet) { p.Extension, p.ExtensionProfile, p.ExtensionBody = true, 0xbede, make([]byte, 8) },
		} {
			p := from(uint16(n), append([]byte(other.String()), opus(n)...))
			change(&p)
			host.say(p)
			require.Equal(t, opus(n), next(t, s).Opus)
		}
	}, withLock(l))
}

// A packet of mere padding has a number and nothing to say.
func TestMerePaddingIsNoLoss(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		host.say(from(1, opus(1)))
		padding := from(2, nil)
		padding.PaddingSize = 200
		host.say(padding)
		host.say(from(3, opus(3)))
		require.Equal(t, opus(1), next(t, s).Opus)
		require.Equal(t, opus(3), next(t, s).Opus)
		require.Zero(t, s.Stats().Received.Lost)
	})
}

// What is no audio of this session is counted and not heard.
func TestForeignDatagrams(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		video := from(1, opus(1))
		video.PayloadType = 101
		host.say(video)
		forged := append([]byte{0x80, 0x78}, make([]byte, 40)...)
		host.throw(forged)
		report := append([]byte{0x81, 201, 0, 7}, make([]byte, 30)...)
		host.throw(report)
		host.throw([]byte{1})
		empty := from(2, nil)
		empty.Extension, empty.ExtensionProfile = true, 1
		nothing(t, s)
		st := s.Stats()
		require.Equal(t, [4]uint64{2, 1, 1, 1}, [4]uint64{st.Datagrams, st.Foreign, st.Forged, st.Reports})
	})
}

// Whoever does not receive in time loses the oldest packets, and is told.
func TestQueueOverflow(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		for n := range uint16(10) {
			host.say(from(n, opus(int(n))))
		}
		require.Equal(t, uint16(6), next(t, s).Sequence)
		require.Equal(t, uint64(6), s.Stats().Dropped)
	}, WithQueue(4))
}

func TestWithoutReceiving(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		host.say(from(1, opus(1)))
		nothing(t, s)
		require.Zero(t, s.Stats().Datagrams)
	}, WithQueue(0))
}

// Five to twenty-four packets of each join are lost elsewhere because the key
// is not there yet, and disgo's loop spins meanwhile: in virtual time a loop that
// spins never ends.
func TestUnknownKeyIsHeld(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		for n := range uint16(10) {
			host.say(from(n, append([]byte(other.String()), opus(int(n))...)))
			sleep(20 * time.Millisecond)
		}
		nothing(t, s)
		host.last().number(opcode.DAVEExecuteTransition, `{}`)
		for n := range 10 {
			p := next(t, s)
			require.Equal(t, OK, p.Verdict)
			require.Equal(t, opus(n), p.Opus)
		}
		host.say(from(10, opus(1)))
		p := next(t, s)
		require.Equal(t, Undecryptable, p.Verdict)
		require.ErrorContains(t, p.Err, "not authentic")
		require.Equal(t, Counts{Packets: 11, OK: 10, Refused: 1}, s.Stats().Received)
		require.Equal(t, uint64(1), s.Stats().Received.Undecryptable())
	}, withLock(new(lock)))
}

func TestKeyThatNeverComes(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		for n := range uint16(maxHeld + 1) {
			host.say(from(n, []byte("?")))
		}
		p := next(t, s)
		require.Equal(t, Undecryptable, p.Verdict, "too many wait")
		require.ErrorIs(t, p.Err, errLocked)
		nothing(t, s)
		sleep(defaultHold)
		for range maxHeld {
			require.Equal(t, Undecryptable, next(t, s).Verdict)
		}
		require.Equal(t, uint64(maxHeld+1), s.Stats().Received.NoKey)
	}, withLock(new(lock)))
}

// Who leaves is heard to the end.
func TestUserLeaves(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		host.last().number(opcode.VoiceClientsConnect, `{"user_ids":["104694319306248193","5"]}`)
		host.say(from(1, opus(1)))
		host.say(from(3, opus(3)))
		host.last().number(opcode.VoiceClientDisconnect, `{"user_id":"104694319306248193"}`)
		require.Equal(t, opus(1), next(t, s).Opus)
		require.Equal(t, Lost, next(t, s).Verdict)
		require.Equal(t, opus(3), next(t, s).Opus)
		require.Equal(t, []snowflake.ID{5}, s.Users())
		st, _ := s.UserStats(other)
		require.Empty(t, st.SSRCs)
		require.Equal(t, uint64(2), st.OK)
		require.NotZero(t, s.Stats().Datagrams)
	})
}

// Another server has other SSRCs, and what waits of the old one is handed out.
func TestReceiveAcrossAServerChange(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		host.say(from(1, opus(1)))
		host.say(from(3, opus(3)))
		d.named("other.example:1", "token-2")
		sleep(time.Second)
		require.Equal(t, opus(1), next(t, s).Opus)
		require.Equal(t, Lost, next(t, s).Verdict)
		require.Equal(t, opus(3), next(t, s).Opus)
		require.Zero(t, s.User(77))
		there := d.server("other.example:1")
		there.last().number(opcode.VoiceSpeaking, `{"speaking":1,"ssrc":5,"user_id":"104694319306248193"}`)
		sleep(0)
		there.say(rtp.Packet{Header: rtp.Header{SSRC: 5, Sequence: 1}, Payload: opus(5)})
		p := next(t, s)
		require.Equal(t, other, p.User)
		require.Equal(t, uint32(5), p.SSRC)
		user, _ := s.UserStats(other)
		require.Equal(t, uint64(3), user.OK, "counts are of the whole session")
	})
}

// Whoever is too slow for all packets can stop all the same.
func TestReceiveOfAnEndedContext(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		host.say(from(1, opus(1)))
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errLocked)
		_, err := s.Receive(ctx)
		require.ErrorIs(t, err, errLocked)
		require.Equal(t, opus(1), next(t, s).Opus, "it is still there")
	})
}

// What was received before the end can still be taken.
func TestReceiveToTheEnd(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		host.say(from(1, opus(1)))
		require.NoError(t, s.Leave(t.Context()))
		p, err := s.Receive(t.Context())
		require.NoError(t, err)
		require.Equal(t, opus(1), p.Opus)
		for range 2 {
			_, err = s.Receive(t.Context())
			require.ErrorIs(t, err, ErrLeft)
		}
	})
}

// An SSRC whose user has left belongs to that user for another second, and then
// to no user: what another user says with it waits for its name.
func TestSSRCChangesHands(t *testing.T) {
	const third = 104694319306248200
	for _, encrypted := range []bool{false, true} {
		l := new(lock)
		sealed := func(user snowflake.ID, n int) []byte {
			if encrypted {
				return append([]byte(user.String()), opus(n)...)
			}
			return opus(n)
		}
		options := []Option{WithoutE2EE()}
		if encrypted {
			l.ready.Store(true)
			options[0] = withLock(l)
		}
		run(t, func(t *testing.T, d *discord) {
			s, host := d.hearing()
			host.say(from(1, sealed(other, 1)))
			require.Equal(t, other, next(t, s).User)
			host.last().number(opcode.VoiceClientDisconnect, `{"user_id":"104694319306248193"}`)
			sleep(999 * ms)
			host.say(from(2, sealed(other, 2)))
			p := next(t, s)
			require.Equal(t, other, p.User, "it was on its way")
			require.Equal(t, OK, p.Verdict)
			require.Equal(t, other, s.User(77))
			sleep(ms)
			require.Zero(t, s.User(77))
			for n := range 5 {
				host.say(from(uint16(100+n), sealed(third, 100+n)))
				sleep(20 * ms)
			}
			nothing(t, s)
			host.last().number(opcode.VoiceSpeaking, `{"speaking":1,"delay":0,"ssrc":77,"user_id":"104694319306248200"}`)
			for n := range 5 {
				p := next(t, s)
				require.EqualValues(t, third, p.User)
				require.Equal(t, OK, p.Verdict)
				require.Equal(t, opus(100+n), p.Opus)
			}
			// One that is introduced at once belongs to its new user at once.
			host.last().number(opcode.VoiceClientDisconnect, `{"user_id":"104694319306248200"}`)
			host.last().number(opcode.VoiceSpeaking, voiceOfOther)
			sleep(2 * time.Second)
			require.Equal(t, other, s.User(77))
		}, options...)
	}
}
