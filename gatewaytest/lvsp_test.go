package gatewaytest_test

import (
	"bytes"
	"net"
	"testing"

	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/lvsp"
	"github.com/discordpkg/gateway/voiceserver"
	"github.com/stretchr/testify/require"
)

func TestLVSPInProcess(t *testing.T) {
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 5), gatewaytest.WithToken("one", "two"),
		gatewaytest.WithIdentifyInterval(0), gatewaytest.WithLVSP(gatewaytest.LVSP{}))
	defer srv.Close()
	g := srv.Guilds()[0]
	one, oneID := login(t, srv, "one")
	one.join(g, g.VoiceChannel(0))
	state, server := one.voice(event.VoiceStateUpdate), one.voice(event.VoiceServerUpdate)
	require.Equal(t, srv.Voice().Endpoint(), *server.Endpoint)
	require.Equal(t, `{"op":2`, identified(t, srv, g, state, server))
	require.Equal(t, "gatewaytest", srv.Voice().Members(g.VoiceChannel(0))[0].Backend)

	// Being muted is no reason for another voice server, asking again is.
	require.NoError(t, srv.MuteMember(g.ID, oneID, true, false))
	require.True(t, one.voice(event.VoiceStateUpdate).Mute)
	one.join(g, g.VoiceChannel(0))
	require.True(t, one.voice(event.VoiceStateUpdate).Mute)
	require.Equal(t, server, one.voice(event.VoiceServerUpdate), "the same as it was")
	require.NoError(t, srv.MoveMember(g.ID, oneID, g.VoiceChannel(1)))
	moved := one.voice(event.VoiceServerUpdate)
	require.NotEqual(t, server.Token, moved.Token)

	old := srv.Voice()
	require.NoError(t, srv.MoveVoice())
	server = one.voice(event.VoiceServerUpdate)
	require.NotEqual(t, old.Endpoint(), *server.Endpoint)
	require.Equal(t, `{"op":2`, identified(t, srv, g, state, server))
	require.NoError(t, srv.StopVoice())
	require.Nil(t, one.voice(event.VoiceServerUpdate).Endpoint)
	require.NoError(t, srv.MoveVoice())
	require.Equal(t, srv.Voice().Endpoint(), *one.voice(event.VoiceServerUpdate).Endpoint)
	one.join(g, 0)
	require.Zero(t, one.voice(event.VoiceStateUpdate).Channel)
}

// A voice server of another process, which refuses some, and gives up on others.
func TestLVSPElsewhere(t *testing.T) {
	voice, err := voiceserver.New(voiceserver.WithChannelSize(1), voiceserver.WithSessionLife(0))
	require.NoError(t, err)
	defer voice.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	secret := bytes.Repeat([]byte("x"), lvsp.MinSecret)
	_, err = voice.ServeLVSP(l, lvsp.WithBackend(lvsp.Backend{Name: "test", Secret: sealed(secret)}))
	require.NoError(t, err)

	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 5), gatewaytest.WithToken("one", "two"), gatewaytest.WithIdentifyInterval(0),
		gatewaytest.WithLVSP(gatewaytest.LVSP{URL: "wss://" + l.Addr().String() + "/", Secret: sealed(secret), TLS: voice.TLSClientConfig()}))
	defer srv.Close()
	require.Nil(t, srv.Voice())
	g := srv.Guilds()[0]
	one, oneID := login(t, srv, "one")
	two, _ := login(t, srv, "two")
	one.join(g, g.VoiceChannel(0))
	state, server := one.voice(event.VoiceStateUpdate), one.voice(event.VoiceServerUpdate)
	two.join(g, g.VoiceChannel(0))
	require.Nil(t, two.voice(event.VoiceServerUpdate).Endpoint, "the channel is full")

	c := dial(t, "wss://"+*server.Endpoint+"/?v=8", voice.TLSClientConfig())
	c.write(`{"op":0,"d":{"server_id":"` + g.ID.String() + `","user_id":"` + oneID.String() + `","session_id":"` + state.Session + `","token":"` + server.Token + `"}}`)
	require.NoError(t, c.conn.(interface{ CloseWrite() error }).CloseWrite())
	for {
		if p := one.voice(event.VoiceStateUpdate); p.User == oneID {
			require.Zero(t, p.Channel, "it did not come back")
			break
		}
	}
}

// A wrong secret is tried once.
func TestLVSPWrongSecret(t *testing.T) {
	require.Panics(t, func() { gatewaytest.NewServer(gatewaytest.WithLVSP(gatewaytest.LVSP{URL: "ws://127.0.0.1:1/"})) })
	voice, err := voiceserver.New()
	require.NoError(t, err)
	defer voice.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, err = voice.ServeLVSP(l, lvsp.WithBackend(lvsp.Backend{Name: "test", Secret: sealed(bytes.Repeat([]byte("x"), lvsp.MinSecret))}))
	require.NoError(t, err)
	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(1, 5), gatewaytest.WithLVSP(gatewaytest.LVSP{
		URL: "ws://" + l.Addr().String(), Secret: sealed(bytes.Repeat([]byte("y"), lvsp.MinSecret)),
	}))
	defer srv.Close()
	g := srv.Guilds()[0]
	one, _ := login(t, srv, "one")
	one.join(g, g.VoiceChannel(0))
	one.voice(event.VoiceStateUpdate)
	require.Nil(t, one.voice(event.VoiceServerUpdate).Endpoint)
}

// sealed returns a secret, the zero one if it is too short.
func sealed(b []byte) lvsp.Secret {
	s, _ := lvsp.NewSecret(b)
	return s
}
