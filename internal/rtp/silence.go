package rtp

// SilenceFrames is how many frames of silence end a transmission, so that the
// decoders of the listeners do not make up a transition to the next one.
//
// https://discord.com/developers/docs/topics/voice-connections#voice-data-interpolation
const SilenceFrames = 5

const silence = "\xf8\xff\xfe"

// AppendSilence appends an Opus frame of 20 ms of silence.
func AppendSilence(dst []byte) []byte { return append(dst, silence...) }

// IsSilence reports whether a frame is the one of [AppendSilence].
func IsSilence(frame []byte) bool { return string(frame) == silence }

// A Tail counts the silence that a sender owes. The zero value owes none.
type Tail struct{ owed uint8 }

// Sent records a frame that was sent, as it was before end-to-end encryption.
// Sound makes the sender owe [SilenceFrames], silence pays for one.
func (t *Tail) Sent(frame []byte) {
	switch {
	case !IsSilence(frame):
		t.owed = SilenceFrames
	case t.owed > 0:
		t.owed--
	}
}

// Owed returns how many frames of silence must be sent before the sender may
// stop.
func (t *Tail) Owed() int { return int(t.owed) }
