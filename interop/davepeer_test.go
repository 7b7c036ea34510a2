package interop

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// A peer is one member's end of the encryption of a call.
type peer interface {
	receive(now time.Time, m gateway.VoiceMessage) (replies []gateway.VoiceMessage)
	standing() standing
	encrypt(now time.Time, frame []byte, codec dave.Codec) []byte
	decrypt(now time.Time, from snowflake.ID, frame []byte, codec dave.Codec) ([]byte, error)
}

// A standing is what the members of a call must agree on.
type standing struct {
	Version       uint16
	Epoch         uint64
	Members       []snowflake.ID
	Code          string // of 30 digits, for privacy
	Authenticator []byte // of the epoch
}

// ours is a session of this module.
type ours struct {
	t *testing.T
	*dave.Session
}

func newOurs(t *testing.T, user, channel snowflake.ID) ours {
	s, err := dave.NewSession(user, channel)
	require.NoError(t, err)
	return ours{t, s}
}

func (o ours) receive(now time.Time, m gateway.VoiceMessage) []gateway.VoiceMessage {
	replies, err := o.HandleVoice(now, m)
	require.NoError(o.t, err, "%v", m.Op)
	return replies
}

func (o ours) standing() standing {
	members := o.Members()
	slices.Sort(members)
	return standing{o.Version(), o.Epoch(), members, o.PrivacyCode(), o.EpochAuthenticator()}
}

func (o ours) encrypt(now time.Time, frame []byte, codec dave.Codec) []byte {
	out, err := o.EncryptFrame(now, nil, frame, codec)
	require.NoError(o.t, err)
	return out
}

func (o ours) decrypt(now time.Time, from snowflake.ID, frame []byte, _ dave.Codec) ([]byte, error) {
	return o.DecryptFrame(now, from, nil, frame)
}

// theirs is a voice client of discord.js with davey, in another process.
type theirs struct {
	process *daveyProcess
	user    snowflake.ID
	lost    bool // it asked to be added again, and has not executed that yet
}

func (p *theirs) receive(_ time.Time, m gateway.VoiceMessage) []gateway.VoiceMessage {
	a := p.process.tell(daveyOrder{Order: "receive", User: p.user, Op: m.Op, Binary: m.Op.Binary(), Data: m.Data})
	if p.lost && m.Op == opcode.DAVEProposals {
		return nil // those of the group that it has left already, which davey throws an exception at
	}
	require.Empty(p.process.t, a.Error, "%v for %d", m.Op, p.user)
	p.lost = a.Lost
	return a.messages()
}

func (p *theirs) standing() standing {
	a := p.process.must(daveyOrder{Order: "standing", User: p.user})
	st := standing{Version: a.Version, Epoch: a.Epoch, Code: a.Code, Authenticator: a.Authenticator}
	for _, id := range a.Members {
		user, err := strconv.ParseUint(id, 10, 64)
		require.NoError(p.process.t, err)
		st.Members = append(st.Members, snowflake.ID(user))
	}
	slices.Sort(st.Members)
	return st
}

func (p *theirs) encrypt(_ time.Time, frame []byte, codec dave.Codec) []byte {
	if codec == dave.Opus {
		return p.process.must(daveyOrder{Order: "encrypt", User: p.user, Data: frame}).Data
	}
	return p.process.must(daveyOrder{Order: "seal", User: p.user, Data: frame, Codec: 1 + int(codec)}).Data
}

func (p *theirs) decrypt(_ time.Time, from snowflake.ID, frame []byte, codec dave.Codec) ([]byte, error) {
	order := daveyOrder{Order: "open", User: p.user, From: from, Data: frame, Codec: 1 + int(codec)}
	if codec == dave.Opus {
		order.Order = "decrypt"
	}
	a := p.process.tell(order)
	if a.Error != "" {
		return nil, errors.New(a.Error)
	}
	return a.Data, nil
}

// A daveyProcess is where theirs live.
type daveyProcess struct {
	t       *testing.T // that uses it
	orders  *json.Encoder
	answers chan []byte
}

// A daveyOrder is a line of its input, see node/calls.mjs.
type daveyOrder struct {
	Order   string       `json:"order"`
	User    snowflake.ID `json:"user"`
	Channel snowflake.ID `json:"channel"`
	From    snowflake.ID `json:"from"`
	Op      opcode.Voice `json:"op"`
	Binary  bool         `json:"binary"`
	Codec   int          `json:"codec"`
	Data    []byte       `json:"data"`
}

type daveyAnswer struct {
	Error         string
	Lost          bool
	Messages      []daveyMessage
	Data          []byte
	Version       uint16
	Epoch         uint64
	Members       []string
	Code          string
	Authenticator []byte
}

type daveyMessage struct {
	Op   opcode.Voice
	Data []byte
}

func (a daveyAnswer) messages() (list []gateway.VoiceMessage) {
	for _, m := range a.Messages {
		list = append(list, gateway.VoiceMessage{Op: m.Op, Data: m.Data, Seq: -1})
	}
	return list
}

func startDavey(t *testing.T) *daveyProcess {
	p := &daveyProcess{t: t, answers: make(chan []byte)}
	p.orders = json.NewEncoder(startNode(t, p.read, nil, "calls.mjs"))
	return p
}

func (p *daveyProcess) read(out io.Reader) {
	defer close(p.answers)
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.answers <- bytes.Clone(lines.Bytes())
	}
}

// tell gives an order and waits for the answer.
func (p *daveyProcess) tell(order daveyOrder) (a daveyAnswer) {
	require.NoError(p.t, p.orders.Encode(order))
	line, running := <-p.answers
	require.True(p.t, running, "the process has ended")
	require.NoError(p.t, json.Unmarshal(line, &a), string(line))
	return a
}

// must gives an order that has to succeed.
func (p *daveyProcess) must(order daveyOrder) daveyAnswer {
	p.t.Helper()
	a := p.tell(order)
	require.Empty(p.t, a.Error, "%s of %v, opcode %v", order.Order, order.User, order.Op)
	return a
}
