// Package voiceserver is a voice server that clients of Discord can talk to,
// unmodified ones included: the voice gateway, version 8, over websockets, the
// forwarding of audio over UDP, and the delivery service of end-to-end
// encryption.
//
// # Use
//
// [New] starts a server. It has no members by itself: its owner, which with
// Discord is the main gateway, says which users are in which channel.
//
//	srv, err := voiceserver.New()
//	defer srv.Close()
//	endpoint, token, err := srv.Join(voiceserver.Member{Guild: 1, Channel: 2, User: 3, SessionID: "..."})
//	// tell the client: VOICE_STATE_UPDATE with the session id, VOICE_SERVER_UPDATE with endpoint and token
//
// All that changes membership can be repeated without harm: [Server.Join],
// [Server.Move], [Server.Leave], [Server.SetState], [Server.Destroy].
// gatewaytest.WithVoiceServer does all of this for a local Discord.
//
// # Backends
//
// With [Server.ServeLVSP] the main gateway is another process, or several: a
// Discord-compatible backend that speaks the protocol of package lvsp. Each
// backend has ids of its own, a token and a session id is made for each of its
// users, and a backend that lost its link, or whose voice server was restarted,
// finds everything as it wants it within moments. cmd/voiceserver is that as a
// program; examples/lvspbackend is a backend.
//
// # Rules
//
// A client that breaks a rule is closed with the code that Discord has for it,
// and [Server.Violations] says in words what it did:
//
//	4001 unknown opcode            an opcode that clients may not send
//	4002 decode error              no JSON, the wrong kind of frame or type of field, too large
//	4003 not authenticated         anything before Identify, or no Identify within 10 s
//	4004 authentication failed     a token that is not, or no longer, known, or another user's
//	4005 already authenticated     a second Identify or Resume
//	4006 session no longer valid   another session id, nothing to resume, a resume from what is not kept
//	4009 session timed out         no heartbeat
//	4011 server not found          a token for another guild
//	4012 unknown protocol          versions other than 4 to 8, protocols other than udp
//	4014 disconnected              removed, moved, or connected from elsewhere
//	4015 voice server crashed      [Server.Drain]; the client may resume
//	4016 unknown encryption mode   a mode that was not offered
//	4017 E2EE required             no end-to-end encryption, see [WithE2EERequired]
//	4020 bad request               no address, another's SSRC, audio without Speaking, a bad MLS message
//	4021 rate limited              more than 120 messages in any 60 s
//	4022 call terminated           [Server.Destroy]
//
// # Resuming
//
// A session outlives its connection by a minute. What a client missed is sent
// again, JSON and binary messages alike, which share numbers of 16 bits.
//
// # Audio
//
// Each packet is opened with the key of its sender and sealed with that of each
// receiver; header, extension and padding stay. What cannot be opened, comes
// twice or too fast, or is for an address that is not confirmed goes no
// further, see [relay.Relay]. [WithPorts] spreads channels over sockets, each of which
// has a goroutine and a lock of its own.
//
// # End-to-end encryption
//
// Each channel has a delivery service, which by default is a [dave.Delivery]:
// the server brings members into the group and never learns a key. As long as
// a client without end-to-end encryption is there, the call does without.
//
// # Faults
//
// [Server.Faults] lets networks lose, repeat, delay, reorder and pad packets,
// and connections be closed, cut and stalled.
//
// # Without sockets
//
// Packages signaling and relay are the two halves of the server as pure
// machines: messages, datagrams and time go in, frames, datagrams and deadlines
// come out. [Server] is a shell around them.
package voiceserver
