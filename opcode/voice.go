package opcode

import "strconv"

// Voice is an operation code of the voice gateway, version 8. It fits the one
// byte that binary messages have for it. Any number is a valid Voice;
// [Voice.Known] tells the documented ones.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-opcodes
type Voice uint8

const (
	VoiceIdentify           Voice = 0  // starts a voice session
	VoiceSelectProtocol     Voice = 1  // names the UDP address and the encryption mode
	VoiceReady              Voice = 2  // SSRC, UDP endpoint and encryption modes
	VoiceHeartbeat          Voice = 3  // sign of life, carries the last sequence
	VoiceSessionDescription Voice = 4  // the transport key
	VoiceSpeaking           Voice = 5  // which SSRC belongs to whom, and how it speaks
	VoiceHeartbeatACK       Voice = 6  // answer to a heartbeat
	VoiceResume             Voice = 7  // continues a voice session on a new connection
	VoiceHello              Voice = 8  // the heartbeat interval
	VoiceResumed            Voice = 9  // the resume succeeded
	VoiceClientsConnect     Voice = 11 // users joined the channel
	VoiceClientDisconnect   Voice = 13 // a user left the channel

	DAVEPrepareTransition Voice = 21 // a change of the protocol version is coming
	DAVEExecuteTransition Voice = 22 // the prepared transition happens now
	DAVETransitionReady   Voice = 23 // the client is ready for the transition
	DAVEPrepareEpoch      Voice = 24 // a new group or version is coming
	DAVEExternalSender    Voice = 25 // credential and key of the delivery service
	DAVEKeyPackage        Voice = 26 // the client asks to be added
	DAVEProposals         Voice = 27 // proposals to queue or to revoke
	DAVECommitWelcome     Voice = 28 // a commit by the client, with a welcome if it adds members
	DAVEAnnounceCommit    Voice = 29 // the commit that won
	DAVEWelcome           Voice = 30 // a welcome to the group
	DAVEInvalidCommit     Voice = 31 // the client cannot follow and asks to be added again
)

// AllVoice returns every documented voice opcode in ascending order, as a fresh
// slice.
func AllVoice() []Voice {
	return []Voice{
		VoiceIdentify, VoiceSelectProtocol, VoiceReady, VoiceHeartbeat, VoiceSessionDescription, VoiceSpeaking,
		VoiceHeartbeatACK, VoiceResume, VoiceHello, VoiceResumed, VoiceClientsConnect, VoiceClientDisconnect,
		DAVEPrepareTransition, DAVEExecuteTransition, DAVETransitionReady, DAVEPrepareEpoch, DAVEExternalSender,
		DAVEKeyPackage, DAVEProposals, DAVECommitWelcome, DAVEAnnounceCommit, DAVEWelcome, DAVEInvalidCommit,
	}
}

// Binary reports whether messages with op travel in binary frames. All others
// are JSON in text frames.
func (op Voice) Binary() bool { return op >= DAVEExternalSender && op <= DAVEWelcome }

// DAVE reports whether op belongs to end-to-end encryption.
func (op Voice) DAVE() bool { return op >= DAVEPrepareTransition && op <= DAVEInvalidCommit }

// Sendable reports whether a client may send op.
func (op Voice) Sendable() bool {
	switch op {
	case VoiceIdentify, VoiceSelectProtocol, VoiceHeartbeat, VoiceSpeaking, VoiceResume,
		DAVETransitionReady, DAVEKeyPackage, DAVECommitWelcome, DAVEInvalidCommit:
		return true
	}
	return false
}

// Receivable reports whether voice servers send op to clients.
func (op Voice) Receivable() bool {
	switch op {
	case VoiceReady, VoiceSessionDescription, VoiceSpeaking, VoiceHeartbeatACK, VoiceHello, VoiceResumed,
		VoiceClientsConnect, VoiceClientDisconnect, DAVEPrepareTransition, DAVEExecuteTransition,
		DAVEPrepareEpoch, DAVEExternalSender, DAVEProposals, DAVEAnnounceCommit, DAVEWelcome:
		return true
	}
	return false
}

// Known reports whether op is documented.
func (op Voice) Known() bool { return op.Sendable() || op.Receivable() }

// String returns Discord's name of op, such as "Session Description", or
// "voice opcode 99" for an unknown one.
func (op Voice) String() string {
	if int(op) < len(voiceNames) && voiceNames[op] != "" {
		return voiceNames[op]
	}
	return "voice opcode " + strconv.FormatUint(uint64(op), 10)
}

var voiceNames = [...]string{
	VoiceIdentify:           "Identify",
	VoiceSelectProtocol:     "Select Protocol",
	VoiceReady:              "Ready",
	VoiceHeartbeat:          "Heartbeat",
	VoiceSessionDescription: "Session Description",
	VoiceSpeaking:           "Speaking",
	VoiceHeartbeatACK:       "Heartbeat ACK",
	VoiceResume:             "Resume",
	VoiceHello:              "Hello",
	VoiceResumed:            "Resumed",
	VoiceClientsConnect:     "Clients Connect",
	VoiceClientDisconnect:   "Client Disconnect",
	DAVEPrepareTransition:   "DAVE Prepare Transition",
	DAVEExecuteTransition:   "DAVE Execute Transition",
	DAVETransitionReady:     "DAVE Transition Ready",
	DAVEPrepareEpoch:        "DAVE Prepare Epoch",
	DAVEExternalSender:      "DAVE MLS External Sender",
	DAVEKeyPackage:          "DAVE MLS Key Package",
	DAVEProposals:           "DAVE MLS Proposals",
	DAVECommitWelcome:       "DAVE MLS Commit Welcome",
	DAVEAnnounceCommit:      "DAVE MLS Announce Commit Transition",
	DAVEWelcome:             "DAVE MLS Welcome",
	DAVEInvalidCommit:       "DAVE MLS Invalid Commit Welcome",
}
