package dave

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// A tyrant is a voice server that says what it is allowed to, in an order that
// makes no sense.
type tyrant struct {
	t      *testing.T
	r      *rand.Rand
	now    time.Time
	s      *Session
	signer *mls.ExternalSigner
	last   gateway.VoiceMessage
}

// TestNoNonceTwice wants all frames to differ although they say the same:
// otherwise one key met one nonce twice.
func TestNoNonceTwice(t *testing.T) {
	for seed := range uint64(40) {
		s, signer := local(t)
		h := &tyrant{t: t, r: rand.New(rand.NewPCG(seed, 7)), now: epoch, s: s, signer: signer}
		frames := make(map[string]int)
		for step := range 50 {
			m := h.next()
			if h.r.IntN(4) == 0 && h.last.Op != 0 {
				m = h.last
			}
			h.last = m
			if _, err := s.HandleVoice(h.now, m); err != nil {
				require.ErrorIs(t, err, ErrRecovery)
				break
			}
			for range h.r.IntN(3) {
				frame, err := s.EncryptFrame(h.now, nil, make([]byte, 32), Opus)
				if err != nil || s.Version() == 0 {
					continue
				}
				before, known := frames[string(frame)]
				require.False(t, known, "seed %d, steps %d and %d", seed, before, step)
				frames[string(frame)] = step
			}
			h.now = h.now.Add(time.Duration(h.r.IntN(3)) * keyLifetime / 2)
		}
	}
}

// next makes a message.
func (h *tyrant) next() gateway.VoiceMessage {
	id := uint16(h.r.IntN(3))
	user := snowflake.ID(2 + h.r.IntN(2))
	switch h.r.IntN(12) {
	case 0:
		return description(uint16(min(h.r.IntN(4), 1)))
	case 1:
		return connect(user)
	case 2, 3:
		return voice(opcode.VoiceClientDisconnect, gateway.VoiceClientDisconnect{UserID: user})
	case 4:
		return transitionMessage(opcode.DAVEPrepareTransition, id, uint16(min(h.r.IntN(4), 1)))
	case 5, 6:
		return transitionMessage(opcode.DAVEExecuteTransition, id, 1)
	case 7:
		return voice(opcode.DAVEPrepareEpoch, epochData{Version: 1, Epoch: uint64(1 + h.r.IntN(2)), ID: id})
	case 8:
		if h.r.IntN(4) > 0 {
			return voice(opcode.DAVEExternalSender, h.signer.Sender().Append(nil))
		}
		_, other := externalSender(h.t)
		return other
	case 9, 10:
		handle(h.t, h.s, connect(user))
		return proposals(appendProposals, addMessage(h.t, h.s, h.signer, user))
	}
	if n := len(h.s.staged); n > 0 {
		return voice(opcode.DAVEAnnounceCommit, prefixed(id, h.s.staged[h.r.IntN(n)].Commit))
	}
	return voice(opcode.VoiceResumed, "")
}

// Of two transitions to one epoch the second goes on with the nonces of the first.
func TestOneEncryptorForAnEpoch(t *testing.T) {
	s, signer := local(t)
	require.NoError(t, addProposal(t, s, signer, 2))
	handle(t, s, transitionMessage(opcode.DAVEPrepareTransition, 1, 1))
	handle(t, s, voice(opcode.DAVEAnnounceCommit, prefixed(2, s.staged[0].Commit)))
	for id := range uint16(2) {
		handle(t, s, transitionMessage(opcode.DAVEExecuteTransition, id+1, 1))
		frame, err := s.EncryptFrame(epoch, nil, []byte("frame"), Opus)
		require.NoError(t, err)
		f, _ := parseFrame(frame)
		require.EqualValues(t, id+1, f.nonce)
	}
	own := s.own
	require.Same(t, own, s.encryptor)
	handle(t, s, voice(opcode.DAVEPrepareEpoch, epochData{Version: 1, Epoch: firstEpoch}))
	require.NotNil(t, own.ratchet.secret, "it is sent with until the next transition")
	handle(t, s, transitionMessage(opcode.DAVEPrepareTransition, initTransition, 1))
	require.Nil(t, own.ratchet.secret, "wiped")
	s.Wipe()
	require.Nil(t, s.encryptor)
	require.Nil(t, s.own)
}
