// Package gateway is Discord's gateway protocol without a network.
//
// A [GatewayState] is the protocol of one connection. It consumes messages
// from an [io.Reader] and writes its answers to an [io.Writer]. It starts no
// goroutine, takes no lock and reads no clock: the caller tells it the time,
// and asks it when to come back. Any websocket library can carry it; package
// [github.com/discordpkg/gateway/gatewayshard] is a ready-made shell,
// [github.com/discordpkg/gateway/sharding] runs many of them, and
// [github.com/discordpkg/gateway/gatewaytest] is a local Discord to run them
// against.
//
// # The loop
//
// The owner of the websocket does three things, in any order and from one
// goroutine or under one lock:
//
//	state.Advance(time.Now())                                  // before every call that depends on the time
//	payload, redundant, err := state.ProcessNextMessage(r, text, close) // for each message
//	err := state.HandleTimeout(time.Now(), text, close)        // at state.NextDeadline()
//
// Text and close are writers of frames: each call to Write makes one frame,
// text with JSON, binary with other encodings (see [WithEncoding]), or a close
// frame whose payload is what was written.
// A close frame from Discord goes to [GatewayState.ProcessCloseCode].
//
// The state identifies or resumes when Hello arrives, answers heartbeat
// requests, sends its own heartbeats when they are due, tracks sequence
// numbers, and ends connections that are dead, that Discord wants ended, or
// that lost an event.
//
// # Time
//
// The state knows only the last time it was told. [GatewayState.NextDeadline]
// is when [GatewayState.HandleTimeout] has something to do; an early call does
// nothing. So a test may live through a week of heartbeats in a microsecond.
//
// # Ownership
//
// A payload and its data belong to the state and are valid until the next
// call that reads. [GatewayPayload.Clone] makes a copy to keep. What the state
// gives to a writer is never reused, a writer may keep it. A dispatch costs no
// allocation.
//
// # The end of a connection
//
// An error from ProcessNextMessage, HandleTimeout or ProcessCloseCode ends the
// connection; the state has written the close frame that belongs to it, if
// any. [DiscordError.CanReconnect] says whether to open another one, and
// [DiscordError.CanResume] whether it continues the session. Other errors,
// such as a network's, are resumed. A new connection takes a new state:
//
//	session, _ := state.Session()
//	state, err = gateway.NewGatewayState(token, gateway.WithSession(session))
//	conn = dial(state.DialURL())
//
// The state does not wait between connections, and knows nothing of those
// before it. Package [github.com/discordpkg/gateway/lifecycle] does: it says
// when and where to dial, what to resume, how long to wait, and when to stop.
//
// # Limits
//
// [GatewayState.Write] never blocks. A command over the limit of 120 messages
// a minute is refused with a [*RateLimitError] that says when to come back;
// room for heartbeats is kept free. The limit of one identify per 5 seconds
// and bucket belongs to the bot and not to the connection: share an
// [IdentifyRateLimiter] with [WithIdentifyRateLimiter].
//
// # Delivery
//
// No event is delivered twice, and none is lost while Discord can replay it.
// With [WithManualAcknowledge] a session can be saved that names only what was
// handled, so that a crash replays rather than loses.
//
// # Voice
//
// A [VoiceGatewayState] is the same for one connection to a voice server. The
// main gateway introduces it: after [command.UpdateVoiceState] come
// VOICE_STATE_UPDATE and VOICE_SERVER_UPDATE, in either order, which make up a
// [VoiceSession]. Its messages are text and binary, each kind with a method of
// its own:
//
//	state, err := gateway.NewVoiceGatewayState(session, gateway.WithE2EE(e2ee))
//	conn = dial(state.DialURL())
//	m, redundant, err := state.ProcessNextMessage(r, writers) // for each text message
//	m, redundant, err := state.ProcessNextBinary(r, writers)  // for each binary message
//	err := state.HandleTimeout(time.Now(), writers)           // at state.NextDeadline()
//
// It identifies or resumes when Hello arrives, and beats. After
// [opcode.VoiceReady] the caller finds its address over UDP and calls
// [VoiceGatewayState.SelectProtocol]; [opcode.VoiceSessionDescription] brings
// the key, and [VoiceGatewayState.Speaking] must come before the first audio.
// The [E2EE] is told what concerns it, and its replies are written.
//
// [VoiceError.Decision] says how to go on after the end, for each close code:
// resume; ask the main gateway for a new session; wait for the events that
// follow a move; stop. [WithVoiceDecision] changes the table.
package gateway
