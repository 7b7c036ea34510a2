// Package world is Discord's end of the gateway as pure machines: messages and
// time go in, frames and deadlines come out.
//
// [World] holds the guilds and the sessions, [Conn] is one connection. They
// enforce what Discord documents with the close code that belongs to it,
// filter events by shard and intents, and keep what a session missed for a
// resume. What is on the wire (encodings, compression) is part of it; sockets
// are not.
//
// gatewaytest.Server puts a world behind sockets, package sim runs it in virtual
// time. After each call ask [World.Ready] which connections have frames to
// send, take these with [Conn.Next], and call [Conn.HandleTimeout] at
// [Conn.NextDeadline].
//
// Guilds, channels and members are made up, and follow from [WithSeed].
package world
