package gateway

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/opcode"
)

func TestOptionsThatAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		opts []Option
		want string
	}{
		"shard count":       {[]Option{WithShardCount(0)}, "shard count is zero"},
		"shard id":          {[]Option{WithShardID(4), WithShardCount(4)}, "shard id 4 is not below the shard count 4"},
		"properties":        {[]Option{WithIdentifyConnectionProperties(nil)}, "properties are nil"},
		"threshold":         {[]Option{WithLargeThreshold(49)}, "not between 50 and 250"},
		"high threshold":    {[]Option{WithLargeThreshold(251)}, "not between 50 and 250"},
		"session":           {[]Option{WithSession(Session{ID: "a", Seq: -1})}, "negative"},
		"sequence":          {[]Option{WithSequenceNumber(-1)}, "negative"},
		"command limiter":   {[]Option{WithCommandRateLimiter(nil)}, "limiter is nil"},
		"jitter":            {[]Option{WithJitter(nil)}, "jitter is nil"},
		"url":               {[]Option{WithURL("http://x/?v=10&encoding=json")}, "scheme"},
		"codec":             {[]Option{WithEncoding(nil)}, "codec is nil"},
		"decompressor":      {[]Option{WithTransportCompression[*rot](nil)}, "decompressor is nil"},
		"payload":           {[]Option{WithPayloadCompression[*rot](nil)}, "decompressor is nil"},
		"limit":             {[]Option{WithMessageLimit(100)}, "below 4096"},
		"both compressions": {[]Option{WithTransportCompression(newRot), WithPayloadCompression(newPayloadRot)}, "payload compression"},
		"and in this order": {[]Option{WithPayloadCompression(newPayloadRot), WithTransportCompression(newRot)}, "payload compression"},
		"etf and payload":   {[]Option{WithEncoding(upper{}), WithPayloadCompression(newPayloadRot)}, "payload compression"},
		"payload as stream": {[]Option{WithTransportCompression(newPayloadRot)}, "is for payload compression"},
		"stream as payload": {[]Option{WithPayloadCompression(newRot)}, "rot-stream is for transport compression"},
		"presence":          {[]Option{WithPresence(strings.Repeat("x", 5000))}, "exceeds 4096 bytes"},
		"presence type":     {[]Option{WithPresence(make(chan int))}, "unsupported type"},
	} {
		_, err := NewGatewayState("token", tt.opts...)
		require.ErrorContains(t, err, tt.want, name)
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	for _, token := range []string{"", "abc\n", " abc"} {
		_, err := NewGatewayState(token)
		require.ErrorContains(t, err, "bot token", "%q", token)
	}
}

func TestOptionsAreDeterministic(t *testing.T) {
	opts := []Option{
		WithGuildEvents(event.MessageCreate), WithGuildEvents(event.GuildCreate), WithDirectMessageEvents(event.MessageCreate),
		WithTransportCompression(newRot), WithEncoding(upper{}), WithBufferPool(&pool{}), WithMessageLimit(1 << 20),
	}
	a, err := NewGatewayState("token", opts...)
	require.NoError(t, err)
	b, err := NewGatewayState("token", opts...)
	require.NoError(t, err)
	require.Equal(t, intent.Guilds|intent.GuildMessages|intent.DirectMessages, a.intents)
	require.Equal(t, a.intents, b.intents)
	require.Equal(t, a.guildEvents, b.guildEvents)
	require.NotSame(t, a.inflate.(*rot), b.inflate.(*rot), "a decompressor belongs to one connection")
}

func TestOptionsDoNotShareSlices(t *testing.T) {
	events := make([]event.Type, 1, 8)
	events[0] = event.MessageCreate
	one := WithGuildEvents(events...)
	a, err := NewGatewayState("token", one, WithGuildEvents(event.GuildCreate))
	require.NoError(t, err)
	b, err := NewGatewayState("token", one, WithGuildEvents(event.TypingStart))
	require.NoError(t, err)
	require.Equal(t, []event.Type{event.MessageCreate, event.GuildCreate}, a.guildEvents)
	require.Equal(t, []event.Type{event.MessageCreate, event.TypingStart}, b.guildEvents)
}

func TestIdentifyPayloadCompression(t *testing.T) {
	p := newPeer(t, WithPayloadCompression(newPayloadRot))
	p.mustReceive(rotated(hello))
	require.Contains(t, p.wrote(), `"compress":true`)
	require.NotContains(t, p.DialURL(), "compress")
}

func TestIdentifySendsNothingUndocumented(t *testing.T) {
	p := newPeer(t)
	p.mustReceive(hello)
	var msg struct {
		Op opcode.Type
		D  map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal([]byte(p.wrote()), &msg))
	keys := make([]string, 0, len(msg.D))
	for k := range msg.D {
		keys = append(keys, k)
	}
	require.ElementsMatch(t, []string{"token", "properties", "shard", "intents"}, keys)
	require.Contains(t, string(msg.D["properties"]), `"os":`)
}

func TestIntentsAreNamedOrDerived(t *testing.T) {
	s, err := NewGatewayState("token", WithIntents(intent.Guilds), WithGuildEvents(event.TypingStart), WithShardCount(1))
	require.NoError(t, err)
	require.Equal(t, intent.Guilds|intent.GuildMessageTyping, s.Intents())
}

func TestDecode(t *testing.T) {
	type message struct{ Content string }
	m, err := Decode[message]([]byte(`{"content":"hi"}`))
	require.NoError(t, err)
	require.Equal(t, message{"hi"}, m)
	_, err = Decode[message]([]byte(`{"content":1}`))
	require.ErrorContains(t, err, "gateway: decode gateway.message")

	own, err := Decode[ownDecoder]([]byte(`not JSON`))
	require.NoError(t, err)
	require.Equal(t, ownDecoder{"not JSON"}, own)
	_, err = Decode[ownDecoder](nil)
	require.ErrorIs(t, err, errOwn)
	require.ErrorContains(t, err, "gateway: decode gateway.ownDecoder")
}

var errOwn = errors.New("own error")

// ownDecoder is a type that does not need encoding/json.
type ownDecoder struct{ text string }

func (o *ownDecoder) DecodeJSON(data []byte) error {
	if len(data) == 0 {
		return errOwn
	}
	o.text = string(data)
	return nil
}

func TestClone(t *testing.T) {
	p := activePeer(t)
	got := p.mustReceive(dispatch(2, "MESSAGE_CREATE"))
	keep := got.Clone()
	p.mustReceive(`{"t":"GUILD_CREATE","s":3,"op":0,"d":{"name":"something else"}}`)
	require.JSONEq(t, `{"id":"1"}`, string(keep.Data))
	require.EqualValues(t, 2, keep.Seq)
}

// What a constructor that fails has made is given back.
func TestRefusedStateClosesDecompressor(t *testing.T) {
	var made []*rot
	next := func() *rot { made = append(made, newRot()); return made[len(made)-1] }
	for _, opts := range [][]Option{
		{WithTransportCompression(next), WithShardID(9)},
		{WithTransportCompression(next), WithShardCount(0)},
		{WithTransportCompression(next), WithPresence(make(chan int))},
	} {
		_, err := NewGatewayState("token", opts...)
		require.Error(t, err)
	}
	_, err := NewGatewayState("token", WithTransportCompression(next), WithTransportCompression(next))
	require.NoError(t, err)
	require.Len(t, made, 5)
	for i, want := range []int{1, 1, 1, 1, 0} {
		require.Equal(t, want, made[i].closed, "decompressor %d", i)
	}
}

func TestZeroSessionDoesNothing(t *testing.T) {
	s, err := NewGatewayState("token", WithSessionID("abc"), WithSequenceNumber(7), WithSession(Session{}))
	require.NoError(t, err)
	session, ok := s.Session()
	require.True(t, ok)
	require.Equal(t, Session{ID: "abc", Seq: 7}, session)
}
