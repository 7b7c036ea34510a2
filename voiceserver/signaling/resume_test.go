package signaling_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

// lose breaks the connection of a client.
func (c *client) lose() {
	c.conn.Lost(c.now, 1006)
	c.settle()
}

func TestResume(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	a.take()
	a.lose()
	require.Empty(t, b.take()[4:], "nobody is told yet")
	b.speak(1)
	s.call(3)
	b.say("goes on")
	require.Equal(t, []string{"goes on"}, a.heardPayloads(), "audio takes another way")
	s.wait(time.Minute - 1)
	a.connect()
	a.take()
	a.resume()
	require.Equal(t, []string{`9 null`, fmt.Sprintf(`5 {"speaking":1,"delay":0,"ssrc":%d,"user_id":"2"}`, b.ready.SSRC), `11 {"user_ids":["3"]}`}, a.take())
	require.Equal(t, 1, s.core.Stats().Resumes)
	require.Equal(t, 2, s.core.Stats().Replayed)
	a.speak(2) // it is active at once
	require.Zero(t, a.close)
	a.connect()
	a.resume()
	require.Equal(t, []string{`9 null`}, a.take()[1:], "nothing was missed")
}

// A resume takes a session away from a connection that is dead but does not know.
func TestResumeReplaces(t *testing.T) {
	s := newHarness(t)
	a := s.call(1)
	old := *a
	s.clients = append(s.clients, &old)
	a.connect()
	a.resume()
	require.EqualValues(t, 4014, old.close)
	require.Equal(t, snowflake.ID(1), a.conn.User())
	require.Equal(t, 1, s.core.Stats().Open)
	old.conn.Lost(s.now, 1000) // the echo of the close frame ends no session
	a.speak(1)
	require.Zero(t, a.close)
}

func TestSessionExpires(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	b.take()
	a.lose()
	s.wait(time.Minute)
	require.Contains(t, b.take(), `13 {"user_id":"1"}`)
	a.connect()
	a.resume()
	require.EqualValues(t, 4006, a.close)
	a.connect()
	a.identify()
	require.Zero(t, a.close, "the token is still good")
}

// What a client says when it leaves decides whether its session stays.
func TestClientCloses(t *testing.T) {
	for _, code := range []int{1000, 1001, 1006, 1005, 4000} {
		s := newHarness(t)
		a, b := s.call(1), s.call(2)
		b.take()
		a.conn.Lost(s.now, closeCode(code))
		s.settle()
		if code == 1000 || code == 1001 {
			require.Equal(t, []string{`13 {"user_id":"1"}`}, b.take(), code)
			require.Equal(t, 1, s.core.Stats().Sessions)
		} else {
			require.Empty(t, b.take(), code)
			require.Equal(t, 2, s.core.Stats().Sessions)
		}
	}
}

// Codes that the server closes with decide likewise.
func TestCloseKeepsSession(t *testing.T) {
	for code, kept := range map[int]bool{4006: false, 4009: false, 4014: false, 4015: true, 4022: false, 1001: true} {
		s := newHarness(t)
		a := s.call(1)
		s.call(2)
		require.Equal(t, 1, s.core.Close(s.now, 1, closeCode(code)))
		s.settle()
		require.EqualValues(t, code, a.close)
		a.connect()
		a.resume()
		require.Equal(t, kept, a.close == 0, code)
	}
}

func TestCut(t *testing.T) {
	s := newHarness(t)
	a := s.call(1)
	require.Equal(t, 1, s.core.Cut(s.now, 0))
	s.settle()
	require.True(t, a.cut)
	a.connect()
	a.resume()
	require.Zero(t, a.close)
	require.Zero(t, s.core.Cut(s.now, 9))
}

func TestStall(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	a.take()
	require.Equal(t, 1, s.core.Stall(s.now, 1, 5*time.Second))
	b.speak(1)
	a.speak(1)
	require.Empty(t, a.take())
	require.Len(t, b.take(), 5, "what it sends is read")
	s.advance(5 * time.Second)
	require.Len(t, a.take(), 1)
	s.core.Stall(s.now, 0, 0)
	b.speak(0)
	s.advance(10 * time.Second)
	require.Empty(t, a.take(), "without end")
	require.Equal(t, 2, s.core.Close(s.now, 0, 4015))
	s.settle()
	require.EqualValues(t, 4015, a.close, "but for the end of the connection")
}

// The numbers have 16 bits, and JSON and binary messages share them.
func TestSequenceWraps(t *testing.T) {
	e2ee := &fakeDelivery{}
	s := newHarness(t, signaling.WithSequence(65533), withFake(e2ee))
	a := s.call(1) // 65533 description, 65534 external sender
	b := s.call(2)
	require.Equal(t, 65535, a.seq, "b has come")
	for i, want := range []int{0, 1, 2, 3} {
		if i%2 == 0 {
			b.speak(i)
		} else {
			b.sendBinary(opcode.DAVEKeyPackage, "package")
		}
		last := a.inbox[len(a.inbox)-1]
		require.Equal(t, want, last.seq)
		require.Equal(t, i%2 == 1, last.binary)
	}
	for _, back := range []int{0, 1, 4, 5} {
		a.take()
		a.connect()
		a.seq = int(uint16(3 - back))
		a.resume()
		require.Zero(t, a.close)
		require.Len(t, a.take(), 2+back)
		require.Equal(t, 3, a.seq)
	}
}

// A client that names a message that is not kept, or was never sent, loses its
// session.
func TestResumeFromNowhere(t *testing.T) {
	for ack, missed := range map[int]int{65532: 8, -1: 8, 3: 1, 4: 0, 5: -1, 100: -1, 65531: -1, 0x10000: -1, 1 << 40: -1} {
		s := newHarness(t, signaling.WithSequence(65533))
		a, b := s.call(1), s.call(2) // 65533 and 65534
		for range 6 {
			b.speak(1)
		}
		require.Equal(t, 4, a.seq)
		a.take()
		a.seq = ack
		a.connect()
		a.resume()
		if missed < 0 {
			require.EqualValues(t, 4006, a.close, ack)
			require.Equal(t, 1, s.core.Stats().Sessions)
			continue
		}
		require.Zero(t, a.close, ack)
		require.Len(t, a.take(), 2+missed, ack)
	}
	s := newHarness(t)
	a := s.join(1)
	a.connect()
	a.identify() // nothing has a number yet
	a.connect()
	a.resume()
	require.Zero(t, a.close)
	a.seq = 0
	a.connect()
	a.resume()
	require.EqualValues(t, 4006, a.close)
}

// A model: whoever resumes from any message that is kept gets all after it.
func TestReplayModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		s := newHarness(t, signaling.WithSequence(uint16(rng.Uint32())), signaling.WithReplay(20, 3000), signaling.WithMessageRate(1000))
		a, b := s.call(1), s.call(2)
		for range 60 {
			b.speak(rng.IntN(8))
		}
		all := a.inbox[2:] // without hello and ready
		require.Len(t, all, 62)
		missed := rng.IntN(25)
		a.seq = all[len(all)-1-missed].seq
		want := all[len(all)-missed:]
		a.inbox = nil
		a.connect()
		a.resume()
		if missed > 20 {
			require.EqualValues(t, 4006, a.close)
			require.Zero(t, a.conn.User())
			continue
		}
		require.Equal(t, want, a.inbox[2:])
	}
}

func TestReplayIsBounded(t *testing.T) {
	for _, options := range [][]any{
		{signaling.WithReplay(0, 1<<20)},
		{signaling.WithReplay(100, 0)},
	} {
		s := newHarness(t, options...)
		a, b := s.call(1), s.call(2)
		a.lose()
		b.speak(1)
		a.connect()
		a.resume()
		require.EqualValues(t, 4006, a.close)
	}
}

// A client that does not read is cut, not remembered for ever.
func TestSlowReader(t *testing.T) {
	e2ee := &fakeDelivery{}
	s := newHarness(t, signaling.WithMessageRate(1<<20), withFake(e2ee))
	a, b := s.call(1), s.call(2)
	payload := fmt.Sprintf("%0200000d", 0)
	s.core.Stall(s.now, 1, 0)
	for range 30 {
		b.sendBinary(opcode.DAVEKeyPackage, payload)
	}
	require.True(t, a.cut)
	_, why, _ := a.conn.Closed()
	require.Equal(t, "reads too slowly", why)
}

// Before version 8 nothing is numbered but binary messages, and nothing replayed.
func TestResumeOfOldVersion(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	a.lose()
	b.speak(1)
	a.conn = s.core.Accept(s.now, "7")
	s.settle()
	a.take()
	a.send(`{"op":7,"d":{"server_id":"%d","session_id":"session-1","token":"%s"}}`, guild, a.token)
	require.Equal(t, []string{`9 null`}, a.take())
}
