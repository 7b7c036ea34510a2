package gateway

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/opcode"
)

func TestVoiceHeartbeats(t *testing.T) {
	p := newVoicePeer(t, voiceJoin)
	p.mustReceive(voiceHello)
	p.wrote()
	require.NoError(t, p.wait(6875*time.Millisecond-1), "an early call does nothing")
	require.Empty(t, p.wrote())

	nonce := epoch.UnixMilli() + 6875
	require.NoError(t, p.wait(6875*time.Millisecond))
	require.Equal(t, fmt.Sprintf(`{"op":3,"d":{"t":%d,"seq_ack":-1}}`, nonce), p.wrote(), "-1 before any number")
	require.Zero(t, p.Latency())
	p.Advance(epoch.Add(6875*time.Millisecond + 80*time.Millisecond))
	p.mustReceive(fmt.Sprintf(`{"op":6,"d":{"t":%d}}`, nonce))
	require.Equal(t, 80*time.Millisecond, p.Latency())

	p.mustReceive(voiceReady)
	require.NoError(t, p.wait(20625*time.Millisecond))
	require.Equal(t, fmt.Sprintf(`{"op":3,"d":{"t":%d,"seq_ack":0}}`, epoch.UnixMilli()+20625), p.wrote(), "zero is a number")
}

func TestVoiceHeartbeatNonces(t *testing.T) {
	p := newVoicePeer(t, voiceJoin)
	p.mustReceive(voiceHello)
	ms := epoch.UnixMilli()
	for range 6 {
		require.NoError(t, p.Heartbeat(io.Discard))
	}
	for _, d := range []string{fmt.Sprintf(`{"t":%d}`, ms+1), `{"t":0}`, `{}`, `null`, `{"t":"x"}`, `{"t":null}`, `[]`, `""`} {
		p.mustIgnore(`{"op":6,"d":` + d + `}`)
	}
	p.mustIgnore(`{"op":6}`)
	p.Advance(epoch.Add(time.Second))
	p.mustReceive(fmt.Sprintf(`{"op":6,"d":{"x":[1,{"t":3}],"t": %d }}`, ms+3))
	require.Equal(t, time.Second, p.Latency(), "nonces are unique within a millisecond")
	p.mustIgnore(fmt.Sprintf(`{"op":6,"d":{"t":%d}}`, ms+2))
	p.mustReceive(fmt.Sprintf(`{"op":6,"d":%d}`, ms+5))
}

func TestVoiceZombie(t *testing.T) {
	p := activeVoicePeer(t)
	require.NoError(t, p.wait(7*time.Second))
	p.mustReceive(numbered(2, opcode.VoiceSpeaking, `{}`))
	require.NoError(t, p.wait(22*time.Second), "anything that arrives is life, an acknowledgement or not")
	p.Alive()
	require.NoError(t, p.wait(40*time.Second), "bytes of a large message")
	err := p.wait(60 * time.Second)
	require.ErrorIs(t, err, ErrZombie)
	var ve *VoiceError
	require.ErrorAs(t, err, &ve)
	require.True(t, ve.CanReconnect() && ve.CanResume())
	require.Equal(t, 1012, p.closedWith(), "neither 1000 nor 1001: the session is kept")
	require.True(t, p.NextDeadline().IsZero())
	require.ErrorIs(t, p.wait(61*time.Second), net.ErrClosed)
	v, ok := p.Session()
	require.True(t, ok && v.Resumable)
}
