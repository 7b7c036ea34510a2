package lvsp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/stretchr/testify/require"
)

var hostile = []string{
	`{"op":1,"d":{"token":"$hmac"}}`, `{"op":1,"d":{"token":"$plain"}}`, `{"op":2,"d":{"token":"$hmac","seq":0}}`,
	`{"op":4,"d":{"s":0}}`, `{"op":4,"d":{}}`, `{"op":4,"d":5}`,
	`{"op":6,"d":{"type":0,"data":{"guild_id":"20","channel_id":"30"}}}`,
	`{"op":6,"d":{"type":0,"info":{"id":"30","bitrate":64000}}}`,
	`{"op":6,"d":{"type":3,"data":{"user_id":"1","guild_id":"20","channel_id":"30","session_id":"s","dave":false}}}`,
	`{"op":6,"d":{"type":4,"data":{"user_id":"1","guild_id":"20","channel_id":"30"}}}`,
	`{"op":6,"d":{"type":5,"data":{"session_id":"s"}}}`, `{"op":6,"d":{"type":6,"data":{"session_id":"s","mute":true}}}`,
	`{"op":6,"d":{"type":2,"data":{"channel_id":"30"}}}`, `{"op":6,"d":{"type":8,"data":{"channel_id":"30","bitrate":1}}}`,
	`{"op":6,"d":{"type":1,"info":{"channel_id":null,"session_id":"s"}}}`,
	`{"op":7,"d":{"user_id":"1","channel_id":"30"}}`, `{"op":7,"d":{"user_id":1e400,"channel_id":[[[]]]}}`,
	`{"op":0,"d":{"heartbeat_interval":1000,"nonce":"0123456789","dialects":["extended"]}}`,
	`{"op":3,"d":{"health":0.5,"session":"x","received":0,"dialect":"final"}}`, `{"op":5,"d":{"health":1e308,"received":-1}}`,
	`{"op":6,"s":1,"d":{"type":7,"data":{"ref":3,"code":1,"user_id":"1","channel_id":"30"}}}`,
	`{"op":6,"s":9223372036854775807,"d":{"type":4,"data":{"user_id":"1","channel_id":"30","guild_id":"20"}}}`,
	`{"op":18446744073709551615}`, `null`, ``,
}

// FuzzLink sends lines of anything to a voice server, over three links one
// after another, each of which is resumed or lost.
func FuzzLink(f *testing.F) {
	for _, s := range hostile {
		f.Add(`{"op":1,"d":{"token":"$hmac"}}` + "\n" + s)
		f.Add(s + "\n" + s)
	}
	f.Add(strings.Join(hostile, "\n\n"))
	f.Fuzz(func(t *testing.T, text string) {
		s := newHarness(t)
		s.serve([]string{"plain"})
		for i, session := range strings.SplitN(text, "\n\n", 3) {
			name := fmt.Sprint("link", i)
			s.links[name] = s.server.Accept(s.now)
			s.exchange()
			for _, line := range strings.Split(session, "\n") {
				s.send(name, line)
				s.exchange()
				s.advance("1s")
			}
			s.links[name].Lost(s.now)
		}
		s.checkTables()
		s.advance("6m")
		require.Empty(t, s.server.VoiceStates(), "everything ends without a backend")
		require.Empty(t, s.host.states)
		require.Empty(t, s.host.channels)
	})
}

// FuzzClient sends lines of anything to a backend.
func FuzzClient(f *testing.F) {
	for _, s := range hostile {
		f.Add(`{"op":0,"d":{"heartbeat_interval":1000,"nonce":"0123456789","dialects":["extended"]}}`+"\n"+
			`{"op":3,"d":{"health":0.5,"session":"x","received":0}}`+"\n"+s, byte(0))
		f.Add(s+"\n"+s, byte(1))
	}
	f.Fuzz(func(t *testing.T, text string, dialect byte) {
		s := newHarness(t)
		c, err := lvsp.NewClient(sealed(secret), lvsp.WithPlainSecret(), lvsp.WithDialect(lvsp.Dialect(dialect%5)))
		require.NoError(t, err)
		require.NoError(t, c.Join(s.now, lvsp.VoiceState{Guild: 20, Channel: 30, User: 1}))
		for range 2 {
			c.Dialed(s.now)
			for _, line := range strings.Split(text, "\n") {
				c.Receive(s.now, []byte(line))
				s.now = s.now.Add(time.Second)
				c.HandleTimeout(s.now)
				for f, ok := c.Next(); ok; f, ok = c.Next() {
					if f.Kind == lvsp.FrameText {
						require.True(t, json.Valid(f.Data))
					}
				}
				for _, ok := c.NextEvent(); ok; _, ok = c.NextEvent() {
				}
			}
			c.Lost(s.now, lvsp.GeneralError, "")
		}
	})
}

// FuzzInfo holds what is read to what is written.
func FuzzInfo(f *testing.F) {
	for _, s := range hostile {
		f.Add([]byte(s), byte(2), true)
		f.Add([]byte(s), byte(4), false)
	}
	f.Fuzz(func(t *testing.T, msg []byte, dialect byte, backend bool) {
		d := lvsp.Dialect(dialect % 5)
		in, err := lvsp.ParseInfo(msg, d, backend)
		if err != nil {
			require.ErrorIs(t, err, lvsp.ErrMalformed)
			return
		}
		out, ok := lvsp.AppendInfo(nil, d, 5, in)
		if !ok {
			return
		}
		require.True(t, json.Valid(out))
		again, err := lvsp.ParseInfo(out, d, backend)
		require.NoError(t, err)
		twice, _ := lvsp.AppendInfo(nil, d, 5, again)
		require.Equal(t, string(out), string(twice))
	})
}

// FuzzPair lets bytes decide what a backend wants, when links break and when
// the voice server answers or is killed. In the end both must agree.
func FuzzPair(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"), byte(0))
	f.Add([]byte("jJlLjfcCjLlhHjjJJkjlLxXaA"), byte(4))
	f.Add([]byte{8, 0x10, 0x21, 9, 0x12, 10, 0x33, 11, 8, 0x44, 0x50, 12, 13, 0x61, 9}, byte(0))
	f.Fuzz(runPair)
}

// TestPairs is FuzzPair with bytes from a seeded source.
func TestPairs(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 60
	}
	for seed := range seeds {
		rng := rand.New(rand.NewPCG(seed, 0))
		script := make([]byte, 5+rng.IntN(60))
		for i := range script {
			script[i] = byte(rng.Uint32())
		}
		runPair(t, script, byte(seed))
	}
}

func runPair(t *testing.T, script []byte, dialect byte) {
	s := newHarness(t)
	s.serve([]string{"plain"})
	defer func() {
		if t.Failed() {
			t.Log(beats.ReplaceAllString(s.trace.String(), ""))
		}
	}()
	// The seed dialect ends channels as it likes, and ByEvidence is Extended here.
	d := []lvsp.Dialect{lvsp.ByEvidence, lvsp.Wire2022, lvsp.Final, lvsp.Extended}[dialect%4]
	c, err := lvsp.NewClient(sealed(secret), lvsp.WithDialect(d), lvsp.WithJitter(func() float64 { return 0.5 }))
	require.NoError(t, err)
	a := &actor{name: "c", client: c}
	s.clients["c"] = a
	for _, b := range script[:min(len(script), 200)] {
		s.chance(a, b)
		s.exchange()
		s.checkTables()
	}
	s.host.settle()
	clear(s.host.fail)
	s.exchange()
	if a.mute { // what was not heard is lost with the link
		a.link.Lost(s.now)
		a.lose(s, lvsp.AbnormalClosure, "cut")
	}
	for range 3 { // a resume may be refused once
		if a.link == nil {
			s.connect(a)
		}
		s.exchange()
	}
	s.advance("7m") // until old links are dead, and the grace is over
	s.host.settle()
	s.exchange()
	require.NotNil(t, a.link)
	s.checkTables()
	require.Equal(t, known(c.VoiceStates()), known(s.server.VoiceStates()), "who is where")
}

// chance does what a byte says: the low bits choose what, the high ones whom.
func (s *harness) chance(a *actor, b byte) {
	user, channel := lvsp.Snowflake(b>>4&3+1), lvsp.Snowflake(b>>6+30)
	guild := 20 + (channel-30)/3 // of its own for the last one
	switch b & 15 {
	case 0, 1, 2, 3:
		v := lvsp.VoiceState{Guild: guild, Channel: channel, User: user, Flags: lvsp.Flags(b & 3)}
		if b&1 == 0 {
			v.SessionID = fmt.Sprint("session of ", user)
		}
		_ = a.client.Join(s.now, v)
	case 4, 5:
		_ = a.client.Leave(s.now, guild, user)
	case 6:
		_ = a.client.Update(s.now, guild, user, lvsp.Flags(b>>3))
	case 7:
		_ = a.client.CloseChannel(s.now, channel)
	case 8, 9:
		if a.link == nil {
			s.connect(a)
		}
	case 10: // both ends notice, or one
		if a.link != nil {
			if b&16 == 0 {
				a.link.Lost(s.now)
			} else {
				s.links[fmt.Sprint("old", len(s.links))] = a.link
			}
			a.lose(s, lvsp.AbnormalClosure, "cut")
		}
	case 11:
		a.mute = a.link != nil
	case 12: // the host takes its time, or refuses, if a backend is told of that
		s.host.later, s.host.slow = b&16 == 0, b&128 == 0
		if a.client.Dialect() == lvsp.Extended && b&32 != 0 {
			s.host.fail["create"] = errors.New("no")
		}
		if a.client.Dialect() == lvsp.Extended && b&64 != 0 {
			s.host.fail["assign"] = errors.New("no")
		}
	case 13: // it answers, or gives up on somebody
		if all := s.server.VoiceStates(); b&16 != 0 && len(all) > 0 {
			v := all[int(b>>5)%len(all)]
			if s.server.EndVoiceState(s.now, v) {
				delete(s.host.states, stateKey(v))
			}
			return
		}
		s.host.settle()
		clear(s.host.fail)
	case 14:
		s.advance(fmt.Sprint(b>>4, "s"))
	case 15:
		if b>>4 == 15 { // killed
			s.host.reset()
			s.serve(nil)
			clear(s.links)
			a.lose(s, lvsp.AbnormalClosure, "killed")
		}
	}
}

func (s *harness) connect(a *actor) {
	a.link = s.server.Accept(s.now)
	a.client.Dialed(s.now)
}

// checkTables holds the voice server to what it told its host, as long as that
// one owes nothing.
func (s *harness) checkTables() {
	if len(s.host.owed) == 0 {
		require.ElementsMatch(s.t, known(s.server.VoiceStates()), known(slices.Collect(maps.Values(s.host.states))))
	}
}

// known strips what only one side knows, or only after an answer.
func known(states []lvsp.VoiceState) []string {
	out := make([]string, 0, len(states))
	for _, v := range states {
		out = append(out, fmt.Sprintf("%d in %d of %d, %05b", v.User, v.Channel, v.Guild, v.Flags))
	}
	return out
}

// beats is what a failure is easier to read without.
var beats = regexp.MustCompile(`c [<>] \{"op":[45].*\n`)
