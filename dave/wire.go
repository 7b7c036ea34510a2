package dave

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	gateway "github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/internal/mls"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// descriptionData is what of [opcode.VoiceSessionDescription] concerns the
// encryption, without the transport key.
type descriptionData struct {
	Version uint16 `json:"dave_protocol_version"`
}

// transitionData is the data of [opcode.DAVEPrepareTransition], and of
// [opcode.DAVEExecuteTransition], [opcode.DAVETransitionReady] and
// [opcode.DAVEInvalidCommit], which have no version.
type transitionData struct {
	ID      uint16  `json:"transition_id"`
	Version *uint16 `json:"protocol_version,omitempty"`
}

// epochData is the data of [opcode.DAVEPrepareEpoch].
type epochData struct {
	Version uint16 `json:"protocol_version"`
	Epoch   uint64 `json:"epoch"`
	ID      uint16 `json:"transition_id,omitempty"`
}

// initTransition is the id of a transition that is executed when it is
// announced.
//
// https://daveprotocol.com/#dave_protocol_prepare_transition-21
const initTransition = 0

// firstEpoch announces a new group.
//
// https://daveprotocol.com/#dave_protocol_prepare_epoch-24
const firstEpoch = 1

func textMessage(op opcode.Voice, data any) gateway.VoiceMessage {
	b, _ := json.Marshal(data) // numbers only
	return gateway.VoiceMessage{Op: op, Data: b, Seq: -1}
}

func binaryMessage(op opcode.Voice, data []byte) gateway.VoiceMessage {
	return gateway.VoiceMessage{Op: op, Data: data, Seq: -1}
}

func decode[T any](m gateway.VoiceMessage) (T, error) {
	var v T
	if err := json.Unmarshal(m.Data, &v); err != nil {
		return v, malformed(m.Op, err.Error())
	}
	return v, nil
}

func malformed(op opcode.Voice, why string) error {
	return fmt.Errorf("dave: %w: %v: %s", gateway.ErrMalformed, op, why)
}

// transitionID splits the data of [opcode.DAVEAnnounceCommit] and
// [opcode.DAVEWelcome].
func transitionID(m gateway.VoiceMessage) (id uint16, rest []byte, err error) {
	if len(m.Data) < 2 {
		return 0, nil, malformed(m.Op, "no transition id")
	}
	return binary.BigEndian.Uint16(m.Data), m.Data[2:], nil
}

// What [opcode.DAVEProposals] does with the list that follows.
const (
	appendProposals = 0
	revokeProposals = 1
)

// vector takes a variable-size vector off the front of b. Its length has to be
// in the shortest form.
//
// https://www.rfc-editor.org/rfc/rfc9420.html#section-2.1.2
func vector(b []byte) (v, rest []byte, ok bool) {
	if len(b) == 0 || b[0]>>6 == 3 {
		return nil, nil, false
	}
	n := 1 << (b[0] >> 6)
	if len(b) < n {
		return nil, nil, false
	}
	size := uint32(b[0] & 0x3f)
	for _, x := range b[1:n] {
		size = size<<8 | uint32(x)
	}
	if n > 1 && size < 1<<(4*n-2) || uint64(size) > uint64(len(b)-n) {
		return nil, nil, false
	}
	return b[n : n+int(size)], b[n+int(size):], true
}

// appendVector appends v, which has less than a GiB, with its length.
func appendVector(dst, v []byte) []byte {
	switch n := uint32(len(v)); {
	case n < 1<<6:
		dst = append(dst, byte(n))
	case n < 1<<14:
		dst = binary.BigEndian.AppendUint16(dst, uint16(n)|1<<14)
	default:
		dst = binary.BigEndian.AppendUint32(dst, n|2<<30)
	}
	return append(dst, v...)
}

// parseRefs reads the list of a revocation.
func parseRefs(list []byte) (refs [][]byte, ok bool) {
	for len(list) > 0 {
		var ref []byte
		if ref, list, ok = vector(list); !ok {
			return nil, false
		}
		refs = append(refs, ref)
	}
	return refs, true
}

// userOf is the user whose identity a credential has: eight bytes, big endian.
//
// https://daveprotocol.com/#validation
func userOf(identity []byte) (snowflake.ID, bool) {
	if len(identity) != 8 {
		return 0, false
	}
	return snowflake.ID(binary.BigEndian.Uint64(identity)), true
}

func identityOf(user snowflake.ID) []byte { return binary.BigEndian.AppendUint64(nil, uint64(user)) }

// usersOf are the members of a group, in the order of their leaves.
func usersOf(g *mls.Group) []snowflake.ID {
	var users []snowflake.ID
	for _, m := range g.Members() {
		if user, ok := userOf(m.Identity); ok {
			users = append(users, user)
		}
	}
	return users
}
