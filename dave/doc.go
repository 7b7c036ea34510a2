// Package dave is Discord's end-to-end encryption of sound and video (DAVE,
// protocol version 1), in Go alone: both the client's half and the voice
// server's.
//
// It has no socket and no clock. Messages and time come in, messages and
// deadlines go out.
//
// # Sessions
//
// A [Session] is one user in one call. It satisfies [gateway.E2EE]: given to a
// [gateway.VoiceGatewayState], it joins and follows the MLS group of the call,
// in which all members agree on keys. [Session.EncryptFrame] and
// [Session.DecryptFrame] are what stands between a codec and RTP; they pass
// frames on while the voice server has the call without encryption, unless
// [WithoutDowngrade] says otherwise.
//
//	session, err := dave.NewSession(user, channel, dave.WithIdentity(identity))
//	state, err := gateway.NewVoiceGatewayState(voice, gateway.WithE2EE(session))
//	...
//	frame, err := session.EncryptFrame(now, frame[:0], opus, dave.Opus)
//	opus, err := session.DecryptFrame(now, user, opus[:0], frame)
//
// People make sure that no one between them reads along by comparing
// [Session.PrivacyCode] or [Session.Fingerprint]. [Session.Members] returns the
// users that have the keys, [Session.Users] those in the channel.
//
// # What is refused
//
// The voice server passes on what members send, and is not to be trusted with
// what they say. A session takes proposals from the external sender of its
// group alone, Adds only of users that it was told are in the channel, commits
// only of proposals it has seen, and groups only with the external sender it
// knows and without strangers. What it refuses changes nothing. If the group
// goes on without it, it asks to be removed and added again.
//
// # Frames
//
// An [Encryptor] encrypts the frames of one sender in one epoch, a [Decryptor]
// opens those of one sender in all epochs; a session has one for each member.
// Both work on whole frames, before they are put into RTP packets and after
// they were taken out, padding removed. A frame costs no allocation. Senders
// name the [Codec], because of some the packetizers read the headers;
// receivers need not know it.
//
// # Secrets
//
// Secrets are overwritten as soon as they are used up or over: base secrets
// when the ratchet turns, keys of old generations and epochs ten seconds after
// newer ones are in use. The expanded AES keys inside the standard library are
// out of reach and left to the garbage collector. No string form of any type
// shows a key.
//
// # The other side
//
// The files of the client are named after what it handles (commit.go,
// proposals.go, welcome.go, transition.go), those of the voice server begin with
// delivery.
//
// A [Delivery] is what a voice server does for a call: it proposes who is to be
// added and removed, picks one of the commits that members answer with, sends
// welcomes to those who are new, and says when to switch keys. It learns none.
//
// # Sources
//
// The whitepaper, https://daveprotocol.com, and
// https://discord.com/developers/docs/topics/voice-connections#endtoend-encryption-dave-protocol
//
// Where they disagree with what clients do, this package does what clients do:
// key packages and welcomes travel bare, not as MLSMessages.
package dave
