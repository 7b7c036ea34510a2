// Package dave is Discord's end-to-end encryption of sound and video (DAVE,
// protocol version 1), in Go alone.
//
// # Frames
//
// An [Encryptor] encrypts the frames that an encoder made, a [Decryptor] those
// of one sender. Both work on whole frames, before they are put into RTP
// packets and after they were taken out, padding removed. A frame costs no
// allocation. Senders name the [Codec], because of some the packetizers read
// the headers; receivers need not know it.
//
// # Secrets
//
// Secrets are overwritten as soon as they are used up or over: base secrets
// when the ratchet turns, keys of old generations and epochs ten seconds after
// newer ones are in use. The expanded AES keys inside the standard library are
// out of reach and left to the garbage collector. No string form of any type
// shows a key.
//
// # Sources
//
// The whitepaper, https://daveprotocol.com, and
// https://discord.com/developers/docs/topics/voice-connections#endtoend-encryption-dave-protocol
package dave
