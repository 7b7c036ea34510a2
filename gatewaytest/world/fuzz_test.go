package world_test

import (
	"testing"
	"time"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/stretchr/testify/require"
)

// Whatever clients send, a connection answers or closes with a code that is
// Discord's, and bookkeeping stays sound.
func FuzzConn(f *testing.F) {
	identify := `{"op":2,"d":{"token":"t","properties":{},"intents":513,"shard":[0,1]}}`
	seeds := []string{
		identify,
		`{"op":1,"d":null}`, `{"op":1,"d":7}`, `{"op":6,"d":{"token":"t","session_id":"x","seq":1}}`,
		`{"op":3,"d":{"since":null,"activities":[{"name":"x","type":0}],"status":"idle","afk":true}}`,
		`{"op":4,"d":{"guild_id":"419430400000000000","channel_id":"419430400000000004","self_mute":true,"self_deaf":false}}`,
		`{"op":8,"d":{"guild_id":"419430400000000000","query":"","limit":0,"nonce":"n"}}`,
		`{"op":8,"d":{"guild_id":419430400000000000,"user_ids":"1"}}`,
		`{"op":31,"d":{"guild_ids":["419430400000000000"]}}`, `{"op":43,"d":{"guild_id":"419430400000000000","fields":["status"]}}`,
		`{"op":99}`, `[]`, `{`, "\x83t\x00\x00\x00\x01",
	}
	for _, s := range seeds {
		f.Add([]byte(s), false, false)
		if term, err := (etf.Codec{}).AppendWire(nil, []byte(s)); err == nil {
			f.Add(term, true, true)
		}
	}
	f.Fuzz(func(t *testing.T, msg []byte, binary, active bool) {
		for _, encoding := range []string{"json", "etf"} {
			w := open(t, world.WithGuilds(1, 3))
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			c := w.Accept(now, world.Params{Version: "10", Encoding: encoding})
			if active {
				hello := []byte(identify)
				if encoding == "etf" {
					hello, _ = etf.Codec{}.AppendWire(nil, hello)
				}
				c.Receive(now, hello, true)
				require.NotEmpty(t, c.SessionID())
			}
			for range 2 {
				c.Receive(now, msg, binary)
			}
			for {
				frame, ok := c.Next()
				if !ok {
					break
				}
				if frame.Kind == world.FrameClose {
					code, _ := frame.CloseCode()
					require.GreaterOrEqual(t, code, closecode.UnknownOpcode)
					require.LessOrEqual(t, code, closecode.DisallowedIntents)
					require.True(t, c.Closed())
				}
			}
			c.Lost(now, closecode.Abnormal)
			require.Zero(t, w.Stats().Open)
			require.True(t, c.NextDeadline().IsZero())
		}
	})
}
