// Package gatewaytest is Discord's end of the gateway: a local Discord to test
// bots against, without a network, an account or waiting.
//
// # Testing a bot
//
// [NewServer] starts a server in the style of net/http/httptest. It speaks
// what libraries of other languages expect too: the HTTP API that they ask
// before they connect, both encodings, every compression, TLS if wanted.
//
//	srv := gatewaytest.NewServer(gatewaytest.WithGuilds(2, 100))
//	defer srv.Close()
//	// connect the bot to srv.DialURL, or let it ask srv.URL + "/api/v10/gateway/bot"
//	srv.WaitSessions(ctx, 1)
//	srv.Dispatch(event.MessageCreate, map[string]any{"guild_id": srv.Guilds()[0].ID, "content": "!ping"})
//	cmd, err := srv.WaitCommand(ctx, opcode.PresenceUpdate)
//
// Guilds, channels and members are made up, and follow from [WithSeed]. Events
// reach the sessions that Discord would send them to: by shard, by intents,
// and without the content of messages where the intent for it is missing.
// Nothing needs to sleep: [Server.Wait] and its kin return when the thing has
// happened.
//
// # Rules
//
// The server enforces what Discord documents, with the close code that belongs
// to it: opcodes that are unknown or out of place, messages that are malformed
// or over 4096 bytes, more than 120 messages a minute, missed heartbeats,
// wrong tokens, shards, intents and versions, identifies in too quick
// succession. [Server.Violations] tells in words what the bot did wrong.
//
// # Faults
//
// [Server.Inject] and [Server.InjectNext] let a connection be cut at any byte,
// stall, die silently, drip, be closed with any code, asked to reconnect, get
// garbage, a message far too large or an invalid session, or not be accepted
// at all. What the bot missed is replayed when it resumes.
//
// # Voice
//
// [WithVoiceServer] starts a real voice server beside the local Discord, to
// which bots that join a voice channel are sent: they hear each other, end to
// end encrypted if they can. Several bots, one for each token of [WithToken],
// can be in a channel. [Server.MoveMember] and [Server.MuteMember] are what
// moderators do, [Server.MoveVoice] and [Server.StopVoice] what happens to
// voice servers; [Server.Voice] has more faults. With [WithLVSP] the local
// Discord drives it as any backend does, or drives one that runs elsewhere.
// Without either the [VoiceBackend] of [WithVoice] answers.
//
// # Without sockets
//
// Package world has the same rules as pure machines: messages and time go in,
// frames and deadlines come out. [Sim] runs them against thousands of clients
// in virtual time and checks that no event is lost or seen twice. [VoiceSim]
// does the same for voice: calls with their datagrams, over networks that lose,
// double and reorder. Both are those of package sim.
//
// # What it is not
//
// Only what the gateway needs is there of the HTTP API. Figures that Discord
// does not publish, such as how long a session can be resumed and how many
// events are kept, are settings.
package gatewaytest
