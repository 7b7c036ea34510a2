package gateway

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/event"
)

// notText are strings that are no UTF-8: a stray continuation, a cut character,
// an overlong slash, a surrogate, and one beyond the last character.
var notText = []string{"\x80", "abcdefgh\xc3", "\xc0\xaf", "caf\xc3\xa9 \xed\xa0\x80", "\xf4\x90\x80\x80", "\\n\xfe"}

// "... the endpoint MUST Fail the WebSocket Connection": with 1007, which keeps
// the session. It is the same for what was inflated.
//
// https://www.rfc-editor.org/rfc/rfc6455#section-8.1
func TestNotUTF8(t *testing.T) {
	for _, text := range notText {
		for _, msg := range []string{
			fmt.Sprintf(`{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"content":"%s"}}`, text),
			fmt.Sprintf(`{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"%s":1}}`, text),
			fmt.Sprintf(`{"t":"MESSAGE_CREATE","s":2,"op":0,"d":"%s"}`, text),
			fmt.Sprintf(`{"d":[["%s"]],"t":"MESSAGE_CREATE","s":2,"op":0}`, text),
			fmt.Sprintf(`{"t":"%s","s":2,"op":0,"d":{}}`, text),
			fmt.Sprintf(`{"%s":0,"op":11}`, text),
		} {
			for name, p := range map[string]*peer{
				"plain":    activePeer(t, WithGuildEvents(event.MessageCreate)),
				"inflated": newPeer(t, WithTransportCompression(newRot)),
			} {
				sent := msg
				if name == "inflated" {
					p.mustReceive(rotated(hello), rotated(ready))
					sent = rotated(msg)
				}
				_, _, err := p.receive(sent)
				require.ErrorIs(t, err, ErrMalformed, "%q", msg)
				require.Equal(t, 1007, p.closedWith(), "%q", msg)
				require.True(t, p.HaveSessionID())
				require.EqualValues(t, 1, p.SequenceNumber(), "it is replayed")
			}
		}
		p := activePeer(t, WithGuildEvents(event.MessageCreate))
		_, redundant, err := p.receive(fmt.Sprintf(`{"t":"TYPING_START","s":2,"op":0,"d":"%s"}`, text))
		require.NoError(t, err)
		require.True(t, redundant, "the data of an unwanted event is not looked at")
	}
	p := activePeer(t, WithGuildEvents(event.MessageCreate))
	got := p.mustReceive(`{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"content":"déjà vu 👋","x":"\ud800"}}`)
	require.Contains(t, string(got.Data), "déjà vu 👋")
}

func TestVoiceNotUTF8(t *testing.T) {
	for _, text := range notText {
		p := newVoicePeer(t, voiceJoin)
		p.mustReceive(voiceHello)
		_, _, err := p.receive(fmt.Sprintf(`{"op":5,"d":{"user_id":"%s"}}`, text))
		require.ErrorIs(t, err, ErrMalformed, "%q", text)
		require.Equal(t, 1007, p.closedWith(), "%q", text)
		_, ok := p.Session()
		require.True(t, ok)
	}
}
