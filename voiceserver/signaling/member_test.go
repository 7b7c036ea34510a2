package signaling_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

func TestJoinIsIdempotent(t *testing.T) {
	s := newHarness(t)
	a := s.call(1)
	again, err := s.core.Join(s.now, a.member)
	require.NoError(t, err)
	require.Equal(t, a.token, again)
	s.settle()
	require.Zero(t, a.close)

	other := a.member
	other.SessionID = "another"
	token, err := s.core.Join(s.now, other)
	require.NoError(t, err)
	require.NotEqual(t, a.token, token)
	s.settle()
	require.EqualValues(t, 4014, a.close)
	a.connect()
	a.identify()
	require.EqualValues(t, 4004, a.close, "the old token is gone")
	require.Equal(t, []signaling.Member{other}, s.core.Members(channel))
	require.Len(t, again, 32)
}

func TestJoinRefuses(t *testing.T) {
	s := newHarness(t, signaling.WithChannelSize(2))
	good := signaling.Member{Guild: guild, Channel: channel, User: 1, SessionID: "x"}
	for _, spoil := range []func(m *signaling.Member){
		func(m *signaling.Member) { m.Channel = 0 },
		func(m *signaling.Member) { m.User = 0 },
		func(m *signaling.Member) { m.SessionID = "" },
		func(m *signaling.Member) { m.SessionID = strings.Repeat("x", 129) },
	} {
		m := good
		spoil(&m)
		_, err := s.core.Join(s.now, m)
		require.ErrorIs(t, err, signaling.ErrMember)
	}
	for user := range snowflake.ID(3) {
		good.User = user + 1
		_, err := s.core.Join(s.now, good)
		require.Equal(t, user == 2, errors.Is(err, signaling.ErrChannelFull))
	}
	good.User, good.SessionID = 1, "y"
	_, err := s.core.Join(s.now, good)
	require.NoError(t, err, "it has its place")
	good.Channel++
	_, err = s.core.Join(s.now, good)
	require.NoError(t, err)
	require.Len(t, s.core.Members(channel), 1)
	good.Channel--
	_, err = s.core.Join(s.now, good)
	require.NoError(t, err)
	require.Empty(t, s.core.Members(channel+1))
}

func TestLeaveIsIdempotent(t *testing.T) {
	s := newHarness(t)
	s.call(1)
	for range 2 {
		s.core.Leave(s.now, guild, 1)
		s.core.Destroy(s.now, guild, channel)
	}
	stats := s.core.Stats()
	require.Zero(t, stats.Members+stats.Channels+stats.Sessions)
	require.ErrorIs(t, s.core.SetState(guild, 1, signaling.MemberState{}), signaling.ErrNoMember)
	require.False(t, s.core.SetBitrate(channel, 8000))
	_, ok := s.core.Member(guild, 1)
	require.False(t, ok)
}

func TestDestroyAsksForTheGuild(t *testing.T) {
	s := newHarness(t)
	a := s.call(1)
	s.core.Destroy(s.now, guild+1, channel)
	s.settle()
	require.Zero(t, a.close)
}

func TestStates(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.call(2)
	set := func(state signaling.MemberState) {
		require.NoError(t, s.core.SetState(guild, 2, state))
		s.settle()
		a.say("a")
		b.say("b")
	}
	for state, want := range map[signaling.MemberState]string{
		{}:                           "[b] [a]",
		{Mute: true}:                 "[] [a]",
		{Suppress: true}:             "[] [a]",
		{Deaf: true}:                 "[b] []",
		{Deaf: true, Mute: true}:     "[] []",
		{Mute: true, Suppress: true}: "[] [a]",
	} {
		set(state)
		require.Equal(t, want, fmt.Sprint(a.heardPayloads(), b.heardPayloads()), "%+v", state)
	}
	m := b.member
	m.Channel++
	_, err := s.core.Join(s.now, m)
	require.NoError(t, err)
	require.NotZero(t, s.relay.Stats().Muted)
}

// A user who moves is still silenced.
func TestStateSurvivesMove(t *testing.T) {
	s := newHarness(t)
	a, b := s.call(1), s.join(2)
	require.NoError(t, s.core.SetState(guild, 2, signaling.MemberState{Mute: true}))
	m := b.member
	m.SessionID = "new"
	var err error
	b.token, err = s.core.Join(s.now, m)
	require.NoError(t, err)
	b.member = m
	b.connect()
	b.identify()
	b.discover()
	b.selectProtocol("aead_aes256_gcm_rtpsize")
	b.say("psst")
	require.Empty(t, a.heardPayloads())
}

// Outside of guilds the channel is the server.
func TestDirectCall(t *testing.T) {
	s := newHarness(t)
	m := signaling.Member{Channel: channel, User: 1, SessionID: "s"}
	token, err := s.core.Join(s.now, m)
	require.NoError(t, err)
	c := &client{harness: s, member: m, token: token, seq: -1, addr: mustAddr("198.51.100.7:7")}
	s.clients = append(s.clients, c)
	c.connect()
	c.send(`{"op":0,"d":{"server_id":"%d","user_id":"1","session_id":"s","token":"%s"}}`, channel, token)
	require.Zero(t, c.close)
	require.NotZero(t, c.ready.SSRC)
	s.core.Leave(s.now, channel, 1)
	s.settle()
	require.EqualValues(t, 4014, c.close)
}

// Without randomness nobody gets in, rather than with a key that can be guessed.
func TestNoRandomness(t *testing.T) {
	for _, bytes := range []int64{0, 16, 16 + 4} { // the token, the SSRC, the key
		source := io.MultiReader(io.LimitReader(strings.NewReader(strings.Repeat("0123456789abcdef", 10)), bytes), iotest.ErrReader(errors.New("none")))
		s := newHarness(t, signaling.WithRandom(source))
		token, err := s.core.Join(s.now, signaling.Member{Guild: guild, Channel: channel, User: 1, SessionID: "session-1"})
		if bytes == 0 {
			require.Error(t, err)
			require.Zero(t, s.core.Stats().Members)
			continue
		}
		require.NoError(t, err)
		c := &client{harness: s, member: signaling.Member{Guild: guild, Channel: channel, User: 1, SessionID: "session-1"}, token: token, addr: mustAddr("198.51.100.7:7")}
		s.clients = append(s.clients, c)
		c.connect()
		c.identify()
		if bytes > 16 {
			require.Zero(t, c.close)
			c.selectProtocol("aead_aes256_gcm_rtpsize")
		}
		require.EqualValues(t, 4015, c.close)
	}
}

// Tokens and keys do not end up in logs.
func TestNoSecrets(t *testing.T) {
	s := newHarness(t)
	a := s.join(1)
	a.connect()
	a.identify()
	s.core.Routes()
	a.conn.Receive(s.now, []byte(`{"op":1,"d":{"protocol":"udp","data":{"address":"127.0.0.1","port":7,"mode":"aead_aes256_gcm_rtpsize"}}}`), false)
	routes := s.core.Routes()
	require.Len(t, routes, 1)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.NotContains(t, fmt.Sprintf(verb, routes[0]), fmt.Sprint(routes[0].Key[0], ",", routes[0].Key[1]))
		require.Contains(t, fmt.Sprintf(verb, routes[0]), "voice route of SSRC")
	}
}
