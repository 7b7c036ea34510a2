package main

import (
	"fmt"
	"net"
	"time"

	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/voiceserver"
)

// The bots of a local Discord with voice: the one that the user runs, and the
// one at the other end.
var localBots = []string{"own", "other"}

// startLocalVoice starts a local Discord with a voice server, whose heartbeats
// come often, so that there is a latency to show.
func startLocalVoice(l net.Listener) *gatewaytest.Server {
	return gatewaytest.NewServer(
		gatewaytest.WithListener(l),
		gatewaytest.WithToken(localBots...),
		gatewaytest.WithGuilds(1, len(localBots)),
		gatewaytest.WithIdentifyInterval(0),
		gatewaytest.WithVoiceServer(voiceserver.WithHeartbeat(time.Second, beatGrace)),
	)
}

// voiceBreach returns an error if a bot broke a rule of Discord.
func voiceBreach(d *gatewaytest.Server) error {
	if v := d.Violations(); len(v) > 0 {
		return fmt.Errorf("discord's rules were broken %d times, first: %s", len(v), v[0].Text)
	}
	if v := d.Voice().Violations(); len(v) > 0 {
		return fmt.Errorf("the rules of voice were broken %d times, first: %s", len(v), v[0].Text)
	}
	return nil
}
