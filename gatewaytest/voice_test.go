package gatewaytest_test

import (
	"testing"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
)

type voiceLog struct {
	joins  []gatewaytest.VoiceJoin
	leaves int
	server string

	updates int
}

func (v *voiceLog) Join(j gatewaytest.VoiceJoin) gatewaytest.VoiceServer {
	v.joins = append(v.joins, j)
	return gatewaytest.VoiceServer{Endpoint: v.server, Token: "secret"}
}

func (v *voiceLog) Update(gatewaytest.VoiceJoin) { v.updates++ }

func (v *voiceLog) Leave(snowflake.ID, snowflake.ID) { v.leaves++ }

func TestVoiceBackend(t *testing.T) {
	backend := &voiceLog{server: "localhost:1234"}
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 3), gatewaytest.WithVoice(backend), gatewaytest.WithIdentifyInterval(0))
	defer srv.Close()
	g := srv.Guilds()[0]
	watcher := connect(t, srv, gateway.WithIntents(intent.GuildVoiceStates))
	watcher.until(event.Ready)
	c := connect(t, srv)
	c.until(event.Ready)
	join := func(channel string) {
		require.NoError(t, c.state.Write(frameWriter{c, ws.OpText}, command.UpdateVoiceState,
			[]byte(`{"guild_id":"`+g.ID.String()+`","channel_id":`+channel+`,"self_mute":false,"self_deaf":false}`)))
	}
	join(`"` + g.VoiceChannel(0).String() + `"`)
	c.until(event.VoiceStateUpdate)
	require.Contains(t, string(c.until(event.VoiceServerUpdate).Data), `"endpoint":"localhost:1234"`)
	require.Contains(t, string(watcher.until(event.VoiceStateUpdate).Data), g.VoiceChannel(0).String())
	join(`"` + g.VoiceChannel(0).String() + `"`) // once more, as a client does that lost its voice connection
	require.Contains(t, string(c.until(event.VoiceServerUpdate).Data), `"endpoint":"localhost:1234"`)
	backend.server = ""
	join(`"` + g.VoiceChannel(1).String() + `"`)
	require.Contains(t, string(c.until(event.VoiceServerUpdate).Data), `"endpoint":null`)
	join("null")
	require.Contains(t, string(c.until(event.VoiceStateUpdate).Data), `"channel_id":null`)
	require.Len(t, backend.joins, 3)
	require.Equal(t, 1, backend.leaves)
	require.Equal(t, gatewaytest.Bot, backend.joins[0].User)
}

func TestHeartbeatsAreMissed(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithHeartbeat(20*time.Millisecond, 0))
	defer srv.Close()
	c := connect(t, srv) // reads, but beats only when told
	require.Equal(t, closecode.SessionTimedOut, c.closeCode())
}

func TestCommandLimit(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithCommandLimit(3), gatewaytest.WithMemberRequestInterval(0))
	defer srv.Close()
	c := connect(t, srv)
	for range 4 {
		c.write(`{"op":1,"d":null}`)
	}
	require.Equal(t, closecode.RateLimited, c.closeCode())
}
