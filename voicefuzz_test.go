package gateway

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/internal/wire"
	"github.com/discordpkg/gateway/opcode"
)

// FuzzVoiceGatewayState feeds lines to a state, each line a message, with time
// passing between them. Whatever comes, the state must keep its promises.
func FuzzVoiceGatewayState(f *testing.F) {
	f.Add([]byte(voiceHello+"\n"+voiceReady+"\n"+voiceDescription+"\n"+binaryMessage(2, opcode.DAVEProposals, "p")), uint16(70), 0)
	f.Add([]byte(voiceHello+"\n"+`{"op":9}`+"\n"+binaryMessage(8, opcode.DAVEWelcome, "w")+"\n"+numbered(9, 5, `{}`)), uint16(40), 8)
	f.Add([]byte(voiceHello+"\n"+describe(0)+"\n"+numbered(65535, 11, `{"user_ids":["1"]}`)+"\n"+`{"op":9}`), uint16(140), 65536)
	f.Add([]byte(`{"op":6,"d":{"t":1767225600000}}`+"\n"+voiceHello+"\n{"), uint16(0), -1)
	f.Add([]byte(`{"op":264,"seq":1e3}`), uint16(1), 1)
	f.Fuzz(func(t *testing.T, script []byte, step uint16, resume int) {
		v := voiceJoin
		if resume > 0 {
			v.Resumable, v.SeqAck = true, resume%65537-1
		}
		e := &recorder{version: 1, replies: map[opcode.Voice][]VoiceMessage{opcode.DAVEWelcome: {{Op: opcode.DAVEKeyPackage}}}}
		p := newVoicePeer(t, v, WithE2EE(e))
		now := epoch
		for _, msg := range bytes.Split(script, []byte("\n")) {
			closed, heard := p.Closed(), len(e.heard)
			got, redundant, err := p.either(msg)
			switch {
			case closed:
				require.Error(t, err)
			case err != nil:
				require.True(t, p.Closed(), "an error ends the connection: %v", err)
			case redundant:
				require.Len(t, e.heard, heard, "what is redundant is not heard")
			default:
				require.False(t, got.Outdated)
			}
			if err == nil && !redundant && got.Seq >= 0 && got.Op != opcode.VoiceHello {
				require.EqualValues(t, got.Seq, p.SequenceNumber())
			}
			require.True(t, p.SequenceNumber() >= -1 && p.SequenceNumber() <= maxVoiceSeq)
			now = now.Add(time.Duration(step) * time.Millisecond * 100)
			_ = p.HandleTimeout(now, p.w())
			if d := p.NextDeadline(); !d.IsZero() {
				require.True(t, d.After(now), "what was due is done")
			}
			_ = p.Speaking(&p.text, SpeakingMicrophone)
		}
		require.Contains(t, []int{0, 1000, 1007, 1012}, p.closedWith())
		stored, ok := p.Session()
		if ok {
			_, err := NewVoiceGatewayState(stored)
			require.NoError(t, err, "what is stored can be resumed")
		}
		_ = p.ProcessCloseCode(closecode.Voice(step), "", &p.close)
		require.True(t, p.Closed())
	})
}

// either takes what starts like an object for text.
func (p *voicePeer) either(msg []byte) (*VoiceMessage, bool, error) {
	if bytes.HasPrefix(msg, []byte("{")) {
		return p.ProcessMessage(msg, p.w())
	}
	return p.ProcessBinary(msg, p.w())
}

// FuzzVoiceNumber compares the search for a member with encoding/json.
func FuzzVoiceNumber(f *testing.F) {
	for _, seed := range []string{
		`{"op":5,"d":{"seq":1},"seq":10}`, `{"seq":1,"op":5,"seq":2}`, `{"x":"seq","seq" : 3 }`, `{"x":"\"seq\":4","seq":null}`,
		`{"seq":null,"seq":5}`, `{"seq":6,"seq":null}`, `{"d":[{"seq":7}]}`, `{"x":"\\","seq":8}`, `{"seq":"9"}`, `{"seq":[1]}`, `{}`,
		`{"seq":"a,b"}`, `{"seq":-1}`, "{\n\"seq\"\t:\r1\n}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, msg []byte) {
		raw := jsonNumber(msg, "seq") // must stay within bounds for anything
		msg = bytes.TrimSpace(msg)
		if !wire.Valid(msg) || msg[0] != '{' || bytes.ContainsRune(msg, '\\') {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(msg))
		_, _ = dec.Token()
		var want json.RawMessage
		for dec.More() {
			key, _ := dec.Token()
			var value json.RawMessage
			require.NoError(t, dec.Decode(&value))
			if key == "seq" {
				want = value
			}
		}
		var number *json.Number
		if want == nil || want[0] != '"' && json.Unmarshal(want, &number) == nil {
			if number == nil {
				require.Nil(t, raw)
			} else {
				require.Equal(t, string(want), string(raw))
			}
		} else {
			_, err := strconv.ParseInt(string(raw), 10, 64)
			require.Error(t, err, "%s is no number", raw)
		}
	})
}
