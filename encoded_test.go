package gateway_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/discord"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
)

// TestEncodedData reads events from the wire's own encoding, if it is not JSON.
func TestEncodedData(t *testing.T) {
	keep := gateway.WithEncodedData(event.All()...)
	for name, options := range map[string][]gateway.Option{
		"etf": {keep, gateway.WithEncoding(etf.Codec{})}, "json": {keep}, "translated": {gateway.WithEncoding(etf.Codec{})},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := gateway.NewGatewayState("token", options...)
			require.NoError(t, err)
			receive := func(text string) *gateway.GatewayPayload {
				msg := []byte(text)
				if name != "json" {
					msg, err = etf.Codec{IntegerIDs: true, AtomKeys: true}.AppendWire(nil, msg)
					require.NoError(t, err)
				}
				p, redundant, err := s.ProcessNextMessage(bytes.NewReader(msg), io.Discard, io.Discard)
				require.NoError(t, err)
				require.False(t, redundant)
				return p
			}
			receive(`{"op":10,"d":{"heartbeat_interval":41250}}`)
			ready := receive(`{"op":0,"s":1,"t":"READY","d":{"session_id":"abc","resume_gateway_url":"wss://gateway.discord.gg"}}`)
			require.NotNil(t, ready.Data, "the state reads it")
			require.Nil(t, ready.Encoded)
			p := receive(`{"op":0,"s":2,"t":"MESSAGE_CREATE","d":{"id":"41771983444115456","content":"hi"}}`).Clone()
			var e discord.MessageCreate
			if name == "etf" {
				require.Nil(t, p.Data)
				require.NoError(t, e.DecodeETF(p.Encoded))
			} else {
				require.Nil(t, p.Encoded)
				require.NoError(t, e.DecodeJSON(p.Data))
			}
			require.Equal(t, "41771983444115456 hi", e.ID.String()+" "+e.Content)
		})
	}
}
