// Package signaling is the server's end of Discord's voice gateway as pure
// machines: messages and time go in, frames and deadlines come out.
//
// [Server] holds the members, channels and sessions, [Conn] is one connection.
// They enforce the rules with the voice close codes that package voiceserver
// lists, keep what a session missed for a resume, hand the messages of
// end-to-end encryption to a [Delivery], and tell in [Server.Routes] what the
// relays of audio have to know.
//
// voiceserver.Server puts both behind sockets; the simulation of voice in
// package sim runs both in virtual time. After each call ask [Server.Ready] which
// connections have frames to send, take these with [Conn.Next], and call the
// HandleTimeout methods at the times of the NextDeadline methods.
//
// https://discord.com/developers/docs/topics/voice-connections
package signaling
