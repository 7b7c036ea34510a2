package interop

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// A hostile is a voice server that proposes what it should not to two clients,
// one of each kind, each in its local group.
type hostile struct {
	t      *testing.T
	c      *call
	signer *mls.ExternalSigner
	our    ours
	their  *theirs
}

func newHostile(t *testing.T, p *daveyProcess) *hostile {
	c := newCall(t, p, 1)
	signer, err := mls.NewExternalSigner(identity(0))
	require.NoError(t, err)
	h := &hostile{t, c, signer, newOurs(t, 1, daveChannel), &theirs{process: p, user: 2}}
	p.must(daveyOrder{Order: "join", User: 2, Channel: daveChannel})
	var m member
	m.tell(opcode.VoiceSessionDescription, description(1))
	m.tell(opcode.VoiceClientsConnect, gateway.VoiceClientsConnect{UserIDs: []snowflake.ID{3}})
	m.down = append(m.down, gateway.VoiceMessage{Op: opcode.DAVEExternalSender, Data: signer.Sender().Append(nil)})
	for _, v := range m.down {
		h.our.receive(c.now, v)
		h.their.receive(c.now, v)
	}
	return h
}

func identity(user snowflake.ID) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(user))
}

// adds returns opcode 27 with an Add for each user.
func (h *hostile) adds(users ...snowflake.ID) gateway.VoiceMessage {
	var list []byte
	for _, user := range users {
		key, err := mls.GenerateSignatureKey()
		require.NoError(h.t, err)
		joiner, err := mls.NewJoiner(identity(user), key)
		require.NoError(h.t, err)
		msg, _, err := h.signer.SignAdd(identity(daveChannel), 0, joiner.KeyPackage())
		require.NoError(h.t, err)
		list = append(list, msg...)
	}
	data := binary.BigEndian.AppendUint16([]byte{0}, 1<<14|uint16(len(list)))
	return gateway.VoiceMessage{Op: opcode.DAVEProposals, Data: append(data, list...)}
}

// Nobody is added whom the voice server did not announce.
func daveyStrangers(t *testing.T, p *daveyProcess) {
	h := newHostile(t, p)
	m := h.adds(666)
	require.Empty(t, h.our.receive(h.c.now, m))
	require.ErrorContains(t, h.our.Refusal(), "not in the channel")
	a := p.tell(daveyOrder{Order: "receive", User: 2, Op: m.Op, Binary: true, Data: m.Data})
	require.Contains(t, a.Error, "666")

	require.Len(t, h.our.receive(h.c.now, h.adds(3)), 1, "a commit")
}

// Two members of the same name are accepted by davey, and not by us.
func daveyDuplicates(t *testing.T, p *daveyProcess) {
	h := newHostile(t, p)
	m := h.adds(3, 3)
	require.Empty(t, h.our.receive(h.c.now, m))
	require.ErrorIs(t, h.our.Refusal(), mls.ErrDuplicate)
	commits := h.their.receive(h.c.now, m)
	require.Len(t, commits, 1)
	require.Equal(t, opcode.DAVECommitWelcome, commits[0].Op)
}
