// Package relay forwards the audio of voice channels as a pure machine:
// datagrams and time go in, datagrams and deadlines come out.
//
// [Relay.Apply] tells it of clients, keys and who may not speak or hear;
// [Relay.Forward] takes a datagram and adds to a [Batch] what is to be sent;
// [Relay.Reports] tells what the half for websockets must act upon. Networks
// can be made bad, see [Network].
//
// voiceserver.Server puts relays behind UDP sockets, one for each.
//
// https://discord.com/developers/docs/topics/voice-connections#establishing-a-voice-udp-connection
package relay
