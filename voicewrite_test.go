package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/opcode"
)

func TestVoiceWriteError(t *testing.T) {
	boom := errors.New("boom")
	w := VoiceWriters{&failingReader{boom}, &failingReader{boom}, io.Discard}
	p := newVoicePeer(t, voiceJoin)
	_, _, err := p.ProcessNextMessage(strings.NewReader(voiceHello), w)
	require.ErrorIs(t, err, boom)
	require.False(t, p.HaveIdentified(), "nothing was sent")
	require.True(t, p.Closed())

	p = activeVoicePeer(t)
	require.ErrorIs(t, p.HandleTimeout(epoch.Add(time.Minute), w), boom)
	require.True(t, p.Closed())
	v, ok := p.Session()
	require.True(t, ok && v.Resumable, "it is resumed like a lost connection")
}

func TestVoiceWriteRefuses(t *testing.T) {
	p := activeVoicePeer(t)
	require.ErrorIs(t, p.Write(p.w(), VoiceMessage{Op: opcode.VoiceSpeaking, Data: []byte(`{`)}), ErrInvalidPayload)
	require.ErrorIs(t, p.Write(p.w(), VoiceMessage{Op: opcode.VoiceReady}), ErrNotReady, "servers only")
	require.ErrorIs(t, p.Identify(&p.text), ErrNotReady, "a second one earns 4005")
	require.ErrorIs(t, p.SelectProtocol(&p.text, "", 1337, gcm), ErrInvalidPayload)
	require.ErrorIs(t, p.SelectProtocol(&p.text, "198.51.100.1", 0, gcm), ErrInvalidPayload)
	require.Empty(t, p.wrote())
	require.NoError(t, p.Write(p.w(), VoiceMessage{Op: opcode.DAVETransitionReady, Data: []byte(`{"transition_id":1}`), Seq: 9}))
	require.Equal(t, `{"op":23,"d":{"transition_id":1}}`, p.wrote())
	require.NoError(t, p.Write(p.w(), VoiceMessage{Op: opcode.DAVEKeyPackage, Data: []byte("{")}))
	require.Equal(t, "\x1a{", p.wroteBinary())
}

func TestVoiceAllocs(t *testing.T) {
	p := activeVoicePeer(t)
	w := VoiceWriters{io.Discard, io.Discard, io.Discard}
	speaking := []byte(numbered(7, opcode.VoiceSpeaking, `{"user_id":"123456789012345678","ssrc":55,"speaking":1}`))
	r := bytes.NewReader(nil)
	welcome := []byte(binaryMessage(8, opcode.DAVEWelcome, strings.Repeat("w", 900)))
	ack := []byte(fmt.Sprintf(`{"op":6,"d":{"t":%d}}`, epoch.UnixMilli()+7000))
	require.NoError(t, p.wait(7*time.Second))
	waiting := p.beats
	for name, process := range map[string]func() error{
		"text": func() error {
			r.Reset(speaking)
			_, _, err := p.ProcessNextMessage(r, w)
			return err
		},
		"binary": func() error { _, _, err := p.ProcessBinary(welcome, w); return err },
		"acknowledgement": func() error {
			p.beats = waiting
			_, redundant, err := p.ProcessMessage(ack, w)
			require.False(t, redundant)
			return err
		},
	} {
		require.Zero(t, testing.AllocsPerRun(200, func() {
			if err := process(); err != nil {
				t.Fatal(err)
			}
		}), name)
	}
}

func BenchmarkProcessVoiceMessage(b *testing.B) {
	p := activeVoicePeer(b)
	w := VoiceWriters{io.Discard, io.Discard, io.Discard}
	msg := []byte(numbered(7, opcode.VoiceSpeaking, `{"user_id":"123456789012345678","ssrc":55,"speaking":1}`))
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := p.ProcessMessage(msg, w); err != nil {
			b.Fatal(err)
		}
	}
}
