package gateway

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
)

// A list of buffers that are overwritten when they come back.
type dirtyPool struct{ returned int }

func (p *dirtyPool) Get() []byte { return make([]byte, 0, 16) }
func (p *dirtyPool) Put(b []byte) {
	p.returned++
	for i := range b[:cap(b)] {
		b[:cap(b)][i] = '!'
	}
}

func TestNarrow(t *testing.T) {
	s, err := NewGatewayState("token", WithEvents(event.MessageCreate, event.TypingStart))
	require.NoError(t, err)
	send := func(text string) *GatewayPayload {
		p, _, err := s.ProcessNextMessage(strings.NewReader(text), io.Discard, io.Discard)
		require.NoError(t, err)
		return p
	}
	send(`{"op":10,"d":{"heartbeat_interval":41250}}`)
	typing := event.NewSet(event.TypingStart, event.GuildCreate)
	s.Narrow(&typing)
	require.NotEmpty(t, send(`{"op":0,"s":1,"t":"READY","d":{"session_id":"abc"}}`).Data)
	require.Nil(t, send(`{"op":0,"s":2,"t":"MESSAGE_CREATE","d":{}}`).Data)
	require.NotNil(t, send(`{"op":0,"s":3,"t":"TYPING_START","d":{}}`).Data)
	require.Nil(t, send(`{"op":0,"s":4,"t":"GUILD_CREATE","d":{}}`).Data, "the options do not let it through")
	require.True(t, s.EventIsWhitelisted(event.MessageCreate), "the options do")
	s.Narrow(nil)
	require.NotNil(t, send(`{"op":0,"s":5,"t":"MESSAGE_CREATE","d":{}}`).Data)
	require.False(t, typing.Has(event.Ready), "the set of the caller does not change")
}

// TestDetach holds a payload while the state reads on.
func TestDetach(t *testing.T) {
	pool := new(dirtyPool)
	s, err := NewGatewayState("token", WithBufferPool(pool))
	require.NoError(t, err)
	send := func(text string) *GatewayPayload {
		p, _, err := s.ProcessNextMessage(strings.NewReader(text), io.Discard, io.Discard)
		require.NoError(t, err)
		return p
	}
	send(`{"op":10,"d":{"heartbeat_interval":41250}}`)
	send(`{"op":0,"s":1,"t":"READY","d":{"session_id":"abc"}}`)
	first := send(`{"op":0,"s":2,"t":"FIRST","d":"first"}`)
	s.Recycle()
	require.NotEqual(t, `"first"`, string(first.Data), "this test can see what it looks for")
	held := send(`{"op":0,"s":3,"t":"HELD","d":"held"}`)
	s.Detach()
	s.Recycle()
	send(`{"op":0,"s":4,"t":"LATER","d":"later"}`)
	s.Recycle()
	require.Equal(t, GatewayPayload{Data: RawMessage(`"held"`), Seq: 3, EventName: "HELD"}, *held)
	require.NotZero(t, pool.returned)
}
