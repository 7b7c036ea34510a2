package sim

import (
	"testing"
	"time"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
	"github.com/stretchr/testify/require"
)

// A checker that never fails proves nothing: each of these runs is broken on
// purpose, and must be found out.
func TestVoiceSimFindsWhatIsWrong(t *testing.T) {
	for want, breakIt := range map[string]func(m *voiceSimulation, u *voiceUser){
		"nothing happened to it": func(_ *voiceSimulation, u *voiceUser) {
			h := u.guild.host
			h.do(func(now time.Time) { h.core.Leave(now, u.guild.id, u.id) })
		},
		"without a typed reason": func(_ *voiceSimulation, u *voiceUser) { u.call.leave(errVoiceSlow) },
		"heartbeat":              func(_ *voiceSimulation, u *voiceUser) { u.call.link.beatBy = 1 },
		"instead of": func(_ *voiceSimulation, u *voiceUser) {
			u.call.lastSeq++
			for _, o := range u.guild.users {
				if o != u && o.place.channel == u.place.channel {
					o.move(u.guild.other(u.place.channel))
				}
			}
		},
		"nonce": func(_ *voiceSimulation, u *voiceUser) {
			u.call.media.sealer, _ = rtp.NewSealer(u.call.media.mode, u.call.media.key[:], rtp.ClientNonces())
		},
		"no server gave away": func(_ *voiceSimulation, u *voiceUser) { u.call.media.key[0]++ },
		"have the same key": func(m *voiceSimulation, u *voiceUser) {
			m.checkKey(relay.Route{SSRC: 1, Mode: string(rtp.AES256GCM), Key: u.call.media.key})
		},
		"who is deaf":                func(_ *voiceSimulation, u *voiceUser) { u.state.Deaf = true },
		"who may not speak":          func(_ *voiceSimulation, u *voiceUser) { misroute(u, func(r *relay.Route) { r.Muted = true }) },
		"gets audio of channel":      func(_ *voiceSimulation, u *voiceUser) { misroute(u, func(r *relay.Route) { r.Channel++ }) },
		"who has left":               func(_ *voiceSimulation, u *voiceUser) { delete(u.guild.host.routes, u.call.media.ssrc) },
		"thinks it is":               func(m *voiceSimulation, u *voiceUser) { m.heard(u, 77, voiceFrame(78, 1, 1)) },
		"hears itself":               func(m *voiceSimulation, u *voiceUser) { m.heard(u, u.id, voiceFrame(u.id, 1, 1)) },
		"hears a frame of 3 bytes":   func(m *voiceSimulation, u *voiceUser) { m.heard(u, 77, []byte("abc")) },
		"which is not what was said": func(m *voiceSimulation, u *voiceUser) { m.heard(u, 77, append(voiceFrame(77, 1, 1), 0)) },
		"violation by user": func(_ *voiceSimulation, u *voiceUser) {
			_, _ = u.call.link.writers().Text.Write([]byte(`{"op":99}`))
		},
		"no member hears it": func(_ *voiceSimulation, u *voiceUser) { u.faultAt = time.Hour },
		"does not know": func(_ *voiceSimulation, u *voiceUser) {
			u.call.others.present[77] = true
		},
		"0 connections, 1 members": func(m *voiceSimulation, _ *voiceUser) {
			_, _ = m.hosts[0].core.Join(m.time(), signaling.Member{Channel: 1, User: 1, SessionID: "left behind"})
		},
		"clients that have left": func(m *voiceSimulation, u *voiceUser) {
			md := u.call.media
			m.at(10*time.Minute, func() { _ = md.host.relay.Apply(relay.Route{SSRC: md.ssrc}) })
		},
		"the run does not end": func(m *voiceSimulation, _ *voiceUser) {
			var again func()
			again = func() { m.after(time.Minute, again) }
			again()
		},
	} {
		t.Run(want, func(t *testing.T) {
			m, err := VoiceSim{Calls: 6, RoomSize: 3, For: time.Minute, FaultEvery: -1}.start()
			require.NoError(t, err)
			m.at(30*time.Second, func() { breakIt(m, m.users[0]) })
			m.run()
			m.finish()
			require.NotEmpty(t, m.Problems)
			require.Contains(t, m.Problems[0], want)
		})
	}
}

// misroute makes the simulation believe something else of a client than its
// server does.
func misroute(u *voiceUser, change func(*relay.Route)) {
	routes := u.guild.host.routes
	r := routes[u.call.media.ssrc]
	change(&r)
	routes[u.call.media.ssrc] = r
}

func TestVoiceEventsKeepOrder(t *testing.T) {
	var q voiceEvents
	for _, at := range []int{5, 3, 5, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5} {
		q.push(time.Duration(at), nil)
	}
	var last voiceEvent
	for range 13 {
		e, ok := q.pop()
		require.True(t, ok)
		require.True(t, last.before(&e))
		last = e
	}
	_, ok := q.pop()
	require.False(t, ok)
}
