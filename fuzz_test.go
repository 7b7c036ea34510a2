package gateway

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
)

// FuzzGatewayState feeds lines to a state, each line a message, with time
// passing between them. Whatever comes, the state must keep its promises.
func FuzzGatewayState(f *testing.F) {
	f.Add([]byte(hello+"\n"+ready+"\n"+dispatch(2, "MESSAGE_CREATE")+"\n"+`{"op":11}`), uint16(400), false)
	f.Add([]byte(hello+"\n"+dispatch(8, "GUILD_CREATE")+"\n"+dispatch(9, "RESUMED")), uint16(41), true)
	f.Add([]byte(hello+"\n"+ready+"\n"+`{"op":9,"d":true}`+"\n"+`{"op":7}`), uint16(1000), false)
	f.Add([]byte(hello+"\n"+`{"op":1,"d":null}`+"\n"+dispatch(5, "X")+"\n{"), uint16(0), true)
	f.Add([]byte(hello+"\n"+readyWith("0", "abc")+"\n"+readyWith("-9223372036854775808", "abc")+"\n"+dispatch(1, "X")), uint16(3), false)
	f.Add([]byte(hello+"\n"+`{"op":9,"d":true}`+"\n"+`{"op":9,"d":false}`+"\n"+readyWith("9223372036854775807", "abc")), uint16(9), true)
	f.Add([]byte(hello+"\n"+`{"t":"READY","s":1,"op":0,"d":{"session_id":"abc"},"s":-1,"op":7}`), uint16(9), false)
	f.Fuzz(func(t *testing.T, script []byte, step uint16, resume bool) {
		opts := []Option{WithManualAcknowledge()}
		if resume {
			opts = append(opts, WithSession(Session{ID: "abc", Seq: 7}))
		}
		p := newPeer(t, opts...)
		now := epoch
		for _, msg := range bytes.Split(script, []byte("\n")) {
			seq, closed := p.SequenceNumber(), p.Closed()
			got, redundant, err := p.ProcessMessage(msg, &p.text, &p.close)
			switch {
			case closed:
				require.Error(t, err)
			case err != nil:
				require.True(t, p.Closed(), "an error ends the connection: %v", err)
			case !redundant:
				require.NotNil(t, got)
			}
			if got != nil && got.EventName != "READY" && !got.Outdated && got.Seq > 0 && p.HaveIdentified() && err == nil && got.Op == 0 {
				require.LessOrEqual(t, seq, p.SequenceNumber(), "sequence numbers grow")
			}
			now = now.Add(time.Duration(step) * time.Millisecond * 100)
			_ = p.HandleTimeout(now, &p.text, &p.close)
			if d := p.NextDeadline(); !d.IsZero() {
				require.True(t, d.After(now), "what was due is done")
			}
			_ = p.Write(&p.text, command.UpdatePresence, []byte(`{}`))
			if session, ok := p.Session(); ok {
				_, err := NewGatewayState("token", WithSession(session))
				require.NoError(t, err, "the next connection can resume")
			} else {
				require.False(t, p.HaveSessionID())
			}
			p.Acknowledge(p.SequenceNumber())
		}
		require.Contains(t, []int{0, 1000, 1007, 1012}, p.closedWith())
		_ = p.ProcessCloseCode(closecode.Type(step), "", &p.close)
		require.True(t, p.Closed())
	})
}
