// Localdiscord is a Discord for one machine: a gateway and as much of the HTTP
// API as bots ask before they connect, for tests of bots in any language. See
// [github.com/discordpkg/gateway/gatewaytest] for what it enforces, and
// -help for the flags.
//
//	$ go run ./cmd/localdiscord -addr 127.0.0.1:4000 -control 127.0.0.1:4001 -traffic 5
//	http=http://127.0.0.1:4000
//	gateway=ws://127.0.0.1:4000
//	voice=wss://127.0.0.1:40123
//	control=http://127.0.0.1:4001
//
// The first URL stands for https://discord.com: a bot that asks it for
// /api/v10/gateway/bot is told the second. Any token is good unless -token
// names some. Clients that insist on TLS get it with -tls, and trust the
// certificate that -ca writes: NODE_EXTRA_CA_CERTS=ca.pem for Node,
// SSL_CERT_FILE=ca.pem for Go and Python.
//
// # Voice
//
// Bots that join a voice channel are sent to the third URL, a real voice server
// with the same certificate: they hear each other, and are end to end encrypted
// if they can be. Each token of -token is a bot of its own, so that several can be
// in a channel.
//
// # Control
//
// The last URL makes things happen. Every program that reaches it may use it.
//
//	control=http://127.0.0.1:4001
//
//	# who is connected, what they sent, which rules they broke
//	curl $control/sessions
//	curl $control/commands
//	curl $control/violations
//	curl $control/stats
//	curl $control/guilds
//
//	# an event for the shard of a guild, for one session, for everyone
//	curl $control/dispatch -d '{"event":"MESSAGE_CREATE","guild_id":"419430400000000000","data":{"id":"1","content":"hello"}}'
//	curl $control/dispatch -d '{"event":"INTERACTION_CREATE","session_id":"...","data":{"id":"1"}}'
//	curl $control/dispatch -d '{"event":"USER_UPDATE","everyone":true,"data":{"id":"4194304000"}}'
//
//	# a hundred made up events at once
//	curl $control/generate -d '{"events":100}'
//
//	# a heartbeat of every client
//	curl -X POST $control/heartbeat
//
//	# what goes wrong in the field: on all connections, on one session's, on the next to come
//	curl $control/fault -d '{"kind":"cut"}'
//	curl $control/fault -d '{"kind":"cut","after":1000,"sessions":["..."]}'
//	curl $control/fault -d '{"kind":"zombie"}'
//	curl $control/fault -d '{"kind":"stall","for":"10s"}'
//	curl $control/fault -d '{"kind":"reconnect"}'
//	curl $control/fault -d '{"kind":"invalid_session","resumable":true}'
//	curl $control/fault -d '{"kind":"close","code":4009,"reason":"too slow"}'
//	curl $control/fault -d '{"kind":"refuse","status":502,"next":3}'
//
//	# who is in voice, and what goes wrong there
//	curl $control/voice
//	curl $control/voice -d '{"server":"move"}'
//	curl $control/voice -d '{"close":4015}'
//	curl $control/voice -d '{"network":{"loss":0.1}}'
//
// The method of each is documented at
// [github.com/discordpkg/gateway/gatewaytest.Server.ControlHandler].
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
