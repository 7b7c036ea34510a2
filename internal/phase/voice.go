package phase

import (
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/opcode"
)

// A Voice is a step in the life of one voice connection.
type Voice uint8

const (
	VoiceHello    Voice = iota // nothing sent yet
	VoiceIdentify              // hello sent, the client may authenticate
	VoiceReady                 // identify or resume sent, no answer yet
	VoiceSelect                // ready sent, or resumed without a key: the client may select a protocol
	VoiceActive                // session description sent: audio may flow
	VoiceClosed                // the end
	numVoice
)

func (p Voice) String() string {
	if p >= numVoice {
		return "unknown"
	}
	return [numVoice]string{"hello", "identify", "ready", "select", "active", "closed"}[p]
}

// ClientMay reports whether a client may send op in p.
func (p Voice) ClientMay(op opcode.Voice) bool {
	return p < numVoice && fromVoiceClient[p].has(opcode.Type(op))
}

// ServerMay reports whether a voice server may send op in p. A client ignores
// what it may not: it changes nothing.
//
// What the server tells about others, and opcodes that are not in the tables,
// may come at any time. A client that waits for its own turn loses them.
func (p Voice) ServerMay(op opcode.Voice) bool {
	if p >= VoiceClosed || onlyVoiceClients.has(opcode.Type(op)) {
		return false
	}
	return !voiceAnswers.has(opcode.Type(op)) || fromVoiceServer[p].has(opcode.Type(op))
}

// Verdict judges a message that a client sent in p: either it is legal, or the
// voice server closes with code. Once closed nothing is legal, and the code is
// zero because nothing is left to close.
//
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#voice-voice-close-event-codes
func (p Voice) Verdict(op opcode.Voice) (code closecode.Voice, legal bool) {
	switch {
	case p.ClientMay(op):
		return 0, true
	case p >= VoiceClosed:
		return 0, false
	case !voiceClients.has(opcode.Type(op)):
		return closecode.VoiceUnknownOpcode, false
	case p >= VoiceReady && voiceLogins.has(opcode.Type(op)):
		return closecode.VoiceAlreadyAuthenticated, false
	}
	return closecode.VoiceNotAuthenticated, false
}

func voiceSet(codes ...opcode.Voice) (s ops) {
	for _, c := range codes {
		s |= 1 << c
	}
	return s
}

// Opcodes of video that Discord does not document; its own clients send them,
// and so do libraries that want to be seen by them.
const (
	video          opcode.Voice = 12
	sessionUpdate  opcode.Voice = 14
	mediaSinkWants opcode.Voice = 15
	backendVersion opcode.Voice = 16
	clientPlatform opcode.Voice = 20
)

var (
	voiceBeat   = voiceSet(opcode.VoiceHeartbeat)
	voiceLogins = voiceSet(opcode.VoiceIdentify, opcode.VoiceResume)
	voiceMLS    = voiceSet(opcode.DAVETransitionReady, opcode.DAVEKeyPackage, opcode.DAVECommitWelcome, opcode.DAVEInvalidCommit)
	voiceMedia  = voiceSet(opcode.VoiceSelectProtocol, opcode.VoiceSpeaking,
		video, sessionUpdate, mediaSinkWants, backendVersion, clientPlatform)

	voiceClients     = voiceBeat | voiceLogins | voiceMLS | voiceMedia
	onlyVoiceClients = voiceBeat | voiceLogins | voiceMLS | voiceSet(opcode.VoiceSelectProtocol)

	// voiceAnswers are the messages that answer one of the client's own.
	voiceAnswers = voiceSet(opcode.VoiceReady, opcode.VoiceSessionDescription, opcode.VoiceResumed)
)

// A client may authenticate before hello has reached it: the documentation
// lets it do so as soon as it is connected. A protocol may be selected again,
// for a new UDP address. A client that resumes may be asked for its part of
// the encryption by a replay that comes before resumed.
var fromVoiceClient = [numVoice]ops{
	VoiceHello:    voiceLogins,
	VoiceIdentify: voiceLogins | voiceBeat,
	VoiceReady:    voiceBeat | voiceMLS,
	VoiceSelect:   voiceBeat | voiceMLS | voiceMedia,
	VoiceActive:   voiceBeat | voiceMLS | voiceMedia,
	VoiceClosed:   0,
}

// Of the answers only; see ServerMay for the rest. A replay may hold a session
// description before resumed, or after it.
var fromVoiceServer = [numVoice]ops{
	VoiceHello:    0,
	VoiceIdentify: 0,
	VoiceReady:    voiceAnswers,
	VoiceSelect:   voiceSet(opcode.VoiceSessionDescription, opcode.VoiceResumed),
	VoiceActive:   voiceSet(opcode.VoiceSessionDescription, opcode.VoiceResumed),
	VoiceClosed:   0,
}
