package lvsp_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/stretchr/testify/require"
)

func TestNames(t *testing.T) {
	for n, name := range []string{"HELLO", "IDENTIFY", "RESUME", "READY", "HEARTBEAT", "HEARTBEAT_ACK", "INFO", "VST_REQUEST", "op 8"} {
		require.Equal(t, name, lvsp.Opcode(n).String())
	}
	for code, name := range map[lvsp.CloseCode]string{
		1000: "normal closure", 1006: "abnormal closure", 4000: "general error", 4001: "authentication failed", 4002: "decode error",
		4003: "not authenticated", 4005: "already authenticated", 4008: "rate limited", 4009: "session timed out", 4004: "close code 4004",
	} {
		require.Equal(t, name, code.String())
	}
	for d, name := range []string{"by evidence", "seed", "wire-2022", "final", "extended", "dialect 5"} {
		require.Equal(t, name, lvsp.Dialect(d).String())
		parsed, ok := lvsp.ParseDialect(name)
		require.Equal(t, d > 0 && d < 5, ok)
		require.Equal(t, ok, parsed == lvsp.Dialect(d) && d > 0)
	}
	require.Equal(t, "VST_DONE", lvsp.StateDone.String())
	require.Equal(t, "no INFO", lvsp.InfoType(0).String())
	require.Equal(t, "INFO 10", lvsp.InfoType(10).String())
	require.Equal(t, "queue full", lvsp.QueueFull.String())
	require.Equal(t, "error 9", lvsp.ErrorCode(9).String())
	require.Equal(t, "swept", lvsp.Swept.String())
	require.Equal(t, "left", lvsp.Left.String())
	require.Equal(t, "moved", lvsp.Moved.String())
	require.Equal(t, "channel destroyed", lvsp.ChannelDestroyed.String())
	require.Equal(t, "no reason", lvsp.Reason(0).String())
}

// The numbers of the documents, and of the code on the wire.
func TestNumbers(t *testing.T) {
	for d, want := range map[lvsp.Dialect]map[lvsp.InfoType]int{
		lvsp.Seed: {lvsp.ChannelRequest: 0, lvsp.ChannelAssign: 0, lvsp.ChannelUpdate: 0, lvsp.StateDone: 1, lvsp.StateUpdate: 1, lvsp.StateDestroy: 1},
		lvsp.Wire2022: {
			lvsp.ChannelRequest: 0, lvsp.ChannelAssign: 1, lvsp.ChannelUpdate: 2, lvsp.ChannelDestroy: 3,
			lvsp.StateCreate: 4, lvsp.StateDone: 4, lvsp.StateUpdate: 5, lvsp.StateDestroy: 6,
		},
		lvsp.Final: {
			lvsp.ChannelRequest: 0, lvsp.ChannelAssign: 1, lvsp.ChannelDestroy: 2,
			lvsp.StateCreate: 3, lvsp.StateDone: 4, lvsp.StateDestroy: 5, lvsp.StateUpdate: 6,
		},
		lvsp.Extended: {
			lvsp.ChannelRequest: 0, lvsp.ChannelAssign: 1, lvsp.ChannelDestroy: 2, lvsp.ChannelUpdate: 8,
			lvsp.StateCreate: 3, lvsp.StateDone: 4, lvsp.StateDestroy: 5, lvsp.StateUpdate: 6, lvsp.InfoError: 7,
		},
	} {
		for i := range lvsp.InfoType(12) {
			n, ok := d.Number(i)
			number, known := want[i]
			require.Equal(t, known, ok, "%v %v", d, i)
			if ok {
				require.Equal(t, number, n, "%v %v", d, i)
			}
		}
	}
	_, ok := lvsp.Dialect(9).Number(lvsp.ChannelRequest)
	require.False(t, ok)
}

// HMAC-SHA256 of the nonce, in lower case: what the document's client sends.
func TestSign(t *testing.T) {
	m := hmac.New(sha256.New, secret)
	m.Write([]byte("0123456789"))
	require.Equal(t, hex.EncodeToString(m.Sum(nil)), lvsp.Sign(secret, "0123456789"))
}

func TestUserTokens(t *testing.T) {
	key, err := lvsp.NewTokenKey(secret)
	require.NoError(t, err)
	expiry := epoch.Add(time.Hour)
	token := key.Issue(30, 1, "session", expiry)
	require.Len(t, token, 54)
	require.NoError(t, key.Verify(token, 30, 1, "session", epoch))
	require.NoError(t, key.Verify(token, 30, 1, "session", expiry.Add(-time.Nanosecond)))
	require.ErrorIs(t, key.Verify(token, 30, 1, "session", expiry), lvsp.ErrTokenExpired)
	require.ErrorIs(t, key.Verify(token, 31, 1, "session", epoch), lvsp.ErrTokenInvalid, "another channel")
	require.ErrorIs(t, key.Verify(token, 30, 2, "session", epoch), lvsp.ErrTokenInvalid, "another user")
	require.ErrorIs(t, key.Verify(token, 30, 1, "sessions", epoch), lvsp.ErrTokenInvalid, "another session")
	require.ErrorIs(t, key.Verify(token[1:], 30, 1, "session", epoch), lvsp.ErrTokenInvalid)
	require.ErrorIs(t, key.Verify(token[1:]+"=", 30, 1, "session", epoch), lvsp.ErrTokenInvalid)
	require.ErrorIs(t, key.Verify("", 30, 1, "session", epoch), lvsp.ErrTokenInvalid)
	for i := range token {
		other := []byte(token)
		other[i] ^= 1
		require.ErrorIs(t, key.Verify(string(other), 30, 1, "session", epoch), lvsp.ErrTokenInvalid, "character %d", i)
	}
	foreign, err := lvsp.NewTokenKey(other)
	require.NoError(t, err)
	require.ErrorIs(t, foreign.Verify(token, 30, 1, "session", epoch), lvsp.ErrTokenInvalid, "another secret")
	require.ErrorIs(t, key.Verify(key.Issue(30, 1, "s", time.Unix(-5, 0)), 30, 1, "s", time.Unix(-9, 0)), lvsp.ErrTokenExpired)
	_, err = lvsp.NewTokenKey(secret[1:])
	require.ErrorIs(t, err, lvsp.ErrShortSecret)
}

func FuzzUserToken(f *testing.F) {
	f.Add(strings.Repeat("\n", 54), "") // which base64 passes over
	key, _ := lvsp.NewTokenKey(secret)
	f.Add(key.Issue(30, 1, "session", epoch), "session")
	f.Add(strings.Repeat("A", 54), "")
	f.Fuzz(func(t *testing.T, token, session string) {
		if key.Verify(token, 30, 2, session, epoch) == nil {
			t.Fatalf("forged: %q for %q", token, session)
		}
	})
}

// failing is a random source that is always the same, or always fails.
type failing struct{ err error }

func (r failing) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 255
	}
	return len(b), r.err
}

func TestRandomSource(t *testing.T) {
	for _, r := range []failing{{}, {errors.New("gone")}} {
		s, err := lvsp.NewServer(lvsp.WithBackend(lvsp.Backend{Secret: sealed(secret)}), lvsp.WithRandom(r))
		require.NoError(t, err)
		l := s.Accept(epoch)
		require.True(t, l.Closed())
		f, _ := l.Next()
		code, _ := f.Close()
		require.Equal(t, lvsp.GeneralError, code)
	}
	harness := newHarness(t)
	s := &harness.server
	r := &switched{}
	harness.random = r
	harness.serve(nil)
	harness.run("link a")
	r.broken = true
	require.Equal(t, "a < close 4000 no randomness\n", harness.run(`send a {"op":1,"d":{"token":"$hmac"}}`))
	r.broken = false
	harness.run("link a")
	harness.run(`send a {"op":1,"d":{"token":"$hmac","dialect":"extended"}}`)
	r.broken = true
	require.Contains(t, harness.run(`send a {"op":6,"d":{"type":3,"data":{"user_id":"1","channel_id":"30"}}}`), "random source: gone")
	require.Empty(t, (*s).VoiceStates())
}

type switched struct {
	counter
	broken bool
}

func (s *switched) Read(b []byte) (int, error) {
	if s.broken {
		return 0, errors.New("gone")
	}
	return s.counter.Read(b)
}

// Nonces of the default source differ, and are what the document says.
func TestNonce(t *testing.T) {
	s, err := lvsp.NewServer(lvsp.WithBackend(lvsp.Backend{Secret: sealed(secret)}))
	require.NoError(t, err)
	seen := make(map[string]bool)
	for range 100 {
		f, _ := s.Accept(epoch).Next()
		m := nonce.FindSubmatch(f.Data)
		require.Regexp(t, "^[0-9a-z]{10}$", string(m[1]))
		require.False(t, seen[string(m[1])])
		seen[string(m[1])] = true
	}
	require.Equal(t, "lvsp: voice server, 1 backends, 100 links", s.String())
}

func TestOptions(t *testing.T) {
	one := lvsp.WithBackend(lvsp.Backend{Name: "one", Secret: sealed(secret)})
	for name, options := range map[string][]lvsp.ServerOption{
		"no backend":      nil,
		"short secret":    {lvsp.WithBackend(lvsp.Backend{Secret: sealed(secret[1:])})},
		"same name":       {one, lvsp.WithBackend(lvsp.Backend{Name: "one", Secret: sealed(other)})},
		"same secret":     {one, lvsp.WithBackend(lvsp.Backend{Name: "two", Secret: sealed(secret)})},
		"no such dialect": {lvsp.WithBackend(lvsp.Backend{Secret: sealed(secret), Dialect: 9})},
		"fast heartbeat":  {one, lvsp.WithHeartbeat(time.Millisecond)},
		"slow heartbeat":  {one, lvsp.WithHeartbeat(time.Hour + 1)},
		"no randomness":   {one, lvsp.WithRandom(nil)},
		"no window":       {one, lvsp.WithReplay(1, 1, 0)},
		"negative replay": {one, lvsp.WithReplay(-1, 1, 1)},
		"no grace":        {one, lvsp.WithGrace(0, 1)},
		"no messages":     {one, lvsp.WithMessageRate(0, 1)},
		"no table":        {one, lvsp.WithTable(1, 0, 1)},
		"no links":        {one, lvsp.WithLinks(0)},
		"no time":         {one, lvsp.WithUndecided(0)},
	} {
		_, err := lvsp.NewServer(options...)
		require.Error(t, err, name)
	}
	_, err := lvsp.NewServer(one, lvsp.WithHeartbeat(time.Second), lvsp.WithGrace(1, 1), lvsp.WithUndecided(1))
	require.NoError(t, err)

	for name, o := range map[string]lvsp.ClientOption{
		"no such dialect": lvsp.WithDialect(9), "no backoff": lvsp.WithBackoff(0, 1), "shrinking backoff": lvsp.WithBackoff(2, 1), "no jitter": lvsp.WithJitter(nil),
	} {
		_, err := lvsp.NewClient(sealed(secret), o)
		require.Error(t, err, name)
	}
	_, err = lvsp.NewClient(sealed(secret[1:]))
	require.ErrorIs(t, err, lvsp.ErrShortSecret)
	_, err = lvsp.NewClient(sealed(secret), lvsp.WithBackoff(time.Second, time.Minute))
	require.NoError(t, err)
}

// Whatever is printed, no secret is.
func TestNoSecrets(t *testing.T) {
	b := lvsp.Backend{Name: "one", Secret: sealed(secret), AllowPlain: true}
	s, err := lvsp.NewServer(lvsp.WithBackend(b))
	require.NoError(t, err)
	c, err := lvsp.NewClient(sealed(secret))
	require.NoError(t, err)
	k, err := lvsp.NewTokenKey(secret)
	require.NoError(t, err)
	l := s.Accept(epoch)
	for _, v := range []any{b, &b, s, c, l, k, &k, b.Secret} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
			text := fmt.Sprintf(verb, v)
			for _, form := range []string{string(secret), hex.EncodeToString(secret), fmt.Sprint([]byte(secret))[1:20], fmt.Sprintf("%#v", []byte(secret))[7:30]} {
				require.NotContains(t, strings.ToLower(text), form, "%T as %s", v, verb)
			}
		}
	}
	require.Equal(t, "lvsp: link without a backend", l.String())
	l.Receive(epoch, []byte(`{"op":1,"d":{"token":"`+string(secret)+`"}}`))
	require.Equal(t, `lvsp: link with "one", seed`, l.String())
	require.Equal(t, "lvsp: backend, by evidence, 0 channels, 0 voice states", c.String())
}

// A backend that does not read is closed before it costs much.
func TestSlowReader(t *testing.T) {
	s := newHarness(t)
	s.serve([]string{"rate=100000000"})
	s.host.fail["assign"] = errors.New(strings.Repeat("no room ", 100)) // cut to 256 bytes
	l := s.server.Accept(s.now)
	f, _ := l.Next()
	s.learn("a", f.Data)
	s.links["a"] = l
	s.send("a", `{"op":1,"d":{"token":"$hmac","dialect":"extended"}}`)
	bytes, n := 0, 0
	for ; !l.Closed(); n++ {
		s.send("a", `{"op":6,"d":{"type":0,"data":{"guild_id":"20","channel_id":"30"}}}`)
		require.Less(t, n, 1_000_000)
	}
	var last lvsp.Frame
	for f, ok := l.Next(); ok; f, ok = l.Next() {
		bytes += len(f.Data)
		last = f
	}
	require.Less(t, bytes, 9<<20)
	code, reason := last.Close()
	require.Equal(t, lvsp.GeneralError, code)
	require.Equal(t, "reads too slowly", reason)
	l.Receive(s.now, []byte("{}"))
	l.HandleTimeout(s.now)
	l.TooLarge(s.now)
	require.True(t, l.NextDeadline().IsZero())
}

// Heartbeats are answered, and answers that nobody reads pile up as well.
func TestSlowReaderOfHeartbeats(t *testing.T) {
	s := newHarness(t)
	s.serve([]string{"rate=100000000"})
	l := s.server.Accept(s.now)
	f, _ := l.Next()
	s.learn("a", f.Data)
	l.Receive(s.now, []byte(`{"op":1,"d":{"token":"`+lvsp.Sign(secret, s.nonces["a"])+`","dialect":"final"}}`))
	for n := 0; !l.Closed(); n++ {
		l.Receive(s.now, []byte(`{"op":4,"d":{}}`))
		require.Less(t, n, 200_000)
	}
}

// Requests wait in queues: what they have no use for is not kept.
func TestRequestsHaveNoAnswers(t *testing.T) {
	msg := []byte(`{"op":6,"d":{"type":3,"data":{"user_id":"1","channel_id":"30","token":"t","endpoint":"e","message":"m","known":true,"re":1,"code":1}}}`)
	in, err := lvsp.ParseInfo(msg, lvsp.Extended, true)
	require.NoError(t, err)
	require.Equal(t, lvsp.Info{Type: lvsp.StateCreate, Channel: 30, User: 1}, in)
}

func TestLinksWithoutNonceAreForgotten(t *testing.T) {
	server, err := lvsp.NewServer(lvsp.WithRandom(strings.NewReader("")), lvsp.WithBackend(lvsp.Backend{Secret: sealed(secret)}))
	require.NoError(t, err)
	l := server.Accept(epoch)
	require.True(t, l.Closed())
	l.Lost(epoch)
	require.Equal(t, "lvsp: voice server, 1 backends, 0 links", server.String())
}

// A table that is larger than the limit is told in pieces, and nobody is
// closed for it.
func TestLargeTable(t *testing.T) {
	const users = lvsp.MessageLimit + 10
	s := newHarness(t)
	s.random = rand.Reader
	s.serve(nil)
	c, err := lvsp.NewClient(sealed(secret), lvsp.WithJitter(func() float64 { return 0.5 }))
	require.NoError(t, err)
	a := &actor{name: "c", client: c}
	s.clients["c"] = a
	for u := range users {
		require.NoError(t, c.Join(s.now, lvsp.VoiceState{Guild: 20, Channel: lvsp.Snowflake(u%100 + 1), User: lvsp.Snowflake(u + 1)}))
	}
	s.connect(a)
	s.exchange()
	require.Less(t, len(s.server.VoiceStates()), lvsp.MessageLimit)
	s.advance("40s")
	require.Len(t, s.server.VoiceStates(), users)
	require.True(t, c.Active())
	require.Equal(t, lvsp.Extended, c.Dialect())
	require.InDelta(t, 0.5, c.Health(), 0)

	// Too much is on its way to be kept for a resume: everything is asked for anew.
	a.mute = true
	for i := range 2*lvsp.MessageLimit + 1 {
		require.NoError(t, c.Update(s.now, 20, 1, lvsp.Flags(1+i%2)))
	}
	require.NoError(t, c.Leave(s.now, 20, 2))
	a.link.Lost(s.now)
	a.lose(s, lvsp.AbnormalClosure, "cut")
	s.connect(a)
	s.exchange()
	s.trace.Reset()
	s.advance("40s")
	require.Len(t, s.server.VoiceStates(), users-1)
	require.Equal(t, lvsp.Deaf, s.server.VoiceStates()[0].Flags)
	require.NotContains(t, s.trace.String(), "close")
}

// Flooding one link does nothing to the others, and lies cost no memory: what
// is kept is bounded by the table and the queue.
func TestFloodIsBounded(t *testing.T) {
	s := newHarness(t)
	s.run("link a")
	s.run("link b")
	s.run(`send a {"op":1,"d":{"token":"$hmac","dialect":"extended"}}`)
	s.run(`send b {"op":1,"d":{"token":"$other","dialect":"extended"}}`)
	s.run("host later")
	for i := range 300 {
		s.send("a", fmt.Sprintf(`{"op":6,"d":{"type":3,"data":{"user_id":"%d","channel_id":"30"}}}`, i+1))
	}
	require.Equal(t, 43, strings.Count(s.trace.String(), "refused: queue full"), "one is with the host, 256 wait")
	s.run("host now")
	require.Contains(t, s.run(`send b {"op":6,"d":{"type":3,"data":{"user_id":"1","channel_id":"30"}}}`), `b < {"op":6,"s":0`)
}

func TestRefusalsCarryTheirCause(t *testing.T) {
	e := &lvsp.RequestError{Request: lvsp.StateCreate, Code: lvsp.Full, Message: "no room"}
	require.EqualError(t, e, "lvsp: VST_CREATE refused: full: no room")
	require.EqualError(t, &lvsp.RequestError{Code: lvsp.BadRequest}, "lvsp: request refused: bad request")
	code, reason := lvsp.Frame{Kind: lvsp.FrameText, Data: []byte("xxxx")}.Close()
	require.Zero(t, code)
	require.Empty(t, reason)
	require.True(t, sealed(secret).Equal(sealed(secret)))
	require.False(t, sealed(secret).Equal(sealed(other)))
	require.False(t, lvsp.Secret{}.Equal(lvsp.Secret{}))
}
