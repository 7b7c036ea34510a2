// Package lvsp speaks the Litecord Voice Server Protocol, with which a
// Discord-compatible backend and a voice server agree on who is in which voice
// channel. It has both ends, [Client] for the backend and [Server] for the voice
// server, as pure machines: messages and time go in, frames and deadlines come
// out. They have no socket, clock, goroutine or log.
//
// The protocol is JSON over one long-lived websocket for each backend. Its
// document was never finished and changed several times, see [Dialect]; what it
// leaves open is decided in docs/lvsp.md.
//
// # The voice server
//
// A [Server] admits backends by their secrets, see [WithBackend], and tells the
// actual voice server what to do, a [Task] after another: to make channels
// ready, let users in, and take them out again. For each websocket there is a
// [Link].
//
//	secret, err := lvsp.NewSecret(bytes) // of a file
//	s, err := lvsp.NewServer(lvsp.WithBackend(lvsp.Backend{Name: "main", Secret: secret}))
//
//	l := s.Accept(now)    // a websocket is open
//	l.Receive(now, msg)   // a message came
//	l.Alive(now)          // a pong came: ping every minute or two
//	l.TooLarge(now)       // a frame claims more than MaxMessage: do not read it
//	l.HandleTimeout(now)  // l.NextDeadline() has come
//	l.Lost(now)           // the websocket is gone
//	s.HandleTimeout(now)  // s.NextDeadline() has come
//
// After each of these calls [Server.NextTask] returns what is to be done, until
// there is nothing left; answers are given with [Server.ChannelAssigned],
// [Server.VoiceStateCreated] and [Server.Updated], at once or later. Then s.Ready
// names the links with frames to send, which their Next returns, and the
// deadlines may have changed. A frame of kind [FrameClose] ends the websocket.
// The server and its links are one unit: a shell holds one mutex around them.
//
// A backend that sends nonsense, too much, or nothing loses its link, and no
// other backend notices. What it asked for stays for some minutes, so that
// calls outlive its restart, see [WithGrace].
//
// # The backend
//
// A [Client] is told what is wanted, with or without a connection, and makes it
// so: it asks again for what may have been lost with a link, and asks for
// everything when the voice server was restarted.
//
//	c, err := lvsp.NewClient(secret)
//	err = c.Join(now, lvsp.VoiceState{Guild: guild, Channel: channel, User: user})
//
//	c.Dialed(now)                 // a websocket is open
//	c.Receive(now, msg)           // a message came
//	c.HandleTimeout(now)          // c.NextDeadline() has come
//	c.Lost(now, code, reason)     // it is gone, or dialing failed
//
// After each call frames are asked for with Next, and events with NextEvent:
// [StateCreated] has the endpoint and the token for a user, [Disconnected] says
// when to dial again.
//
// # Secrets
//
// Both ends know a secret of at least 32 bytes, which proves the backend to the
// voice server and never travels, except in the seed dialect if both ends allow
// it. It proves nothing to the backend: that is what TLS is for. [TokenKey]
// makes the tokens that users show to the voice server.
package lvsp
