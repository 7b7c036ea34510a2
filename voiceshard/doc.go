// Package voiceshard is the voice of a bot: it joins voice channels, speaks,
// listens, is moved, loses its connections, and goes on.
//
// It needs two events and one command of the main gateway, from whichever
// library: see [Gateway] and [Voice.HandleEvent]. A Shard of package
// gatewayshard and a Group of package sharding are a Gateway.
//
//	voice := voiceshard.New(shard, botID)
//	// in the handler of the shard: voice.HandleEvent(name, data)
//	session, err := voice.Join(ctx, guild, channel) // audio can flow
//	err = session.Speaking(ctx, gateway.SpeakingMicrophone)
//	_, err = session.Write(opus) // each 20 ms, or whatever the frame lasts
//	err = session.StopSpeaking(ctx)
//	err = session.Leave(ctx)
//
// [Session.Play] keeps the time for those who have files.
//
// # Intents
//
// The shard needs GUILD_VOICE_STATES. VOICE_SERVER_UPDATE always comes.
//
// # What a session survives
//
// A [Session] is one membership, not one connection. What its connection ended
// with decides how it goes on, see [github.com/discordpkg/gateway/closecode.Voice.Decision], and [WithDecision]
// for those who decide otherwise:
//
//   - a crashed server (4015), a code below 4000, a broken network: the session
//     is resumed. Audio has a way of its own and goes on meanwhile.
//   - a way of datagrams that is dead, though the websocket is not: the bot
//     leaves and joins, as it does when a session cannot be resumed.
//   - a session that is not valid any more (4006, 4009, unknown codes): the bot
//     leaves and joins, which makes Discord introduce a voice server.
//   - a disconnect (4014, 4022): the bot was moved, the server is changed, or
//     somebody has thrown it out. Discord tells within ten seconds; else the
//     session ends with [ErrDisconnected].
//   - a refusal (4004, 4016, 4017, 4021): the session ends, and the text of the
//     error says what to change.
//
// A VOICE_SERVER_UPDATE in the middle of a call moves it to another server. An
// endpoint of null is waited for. A new session of the main gateway is told
// where the bot is.
//
// The numbers of the packets and the speaking flags are carried over, so that
// listeners hear a pause and no more. Attempts are bounded, see [WithBackoff].
//
// # What a listener is told
//
// Every packet has a [Verdict], and packets that did not come are reported, too.
// Those that cannot be read yet, because nobody has said whose they are or the
// key of the end-to-end encryption is on its way, are held for a second and
// not dropped. [Session.Stats] and [Session.UserStats] count every fate.
//
// # Concurrency
//
// A session has a goroutine for the websocket and one for datagrams. Neither
// waits for the user: [Session.Receive] and [Session.Events] lose the oldest
// when they are too slow, and say so. All methods may be called from anywhere,
// except that Receive is for one goroutine at a time. Sending and receiving a
// packet costs no allocation.
//
// https://discord.com/developers/docs/topics/voice-connections
package voiceshard
