package signaling

import (
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/dave"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
)

// A Delivery is the server's part of the end-to-end encryption of one channel:
// it hands the messages of an MLS group around and proposes who is in it. It
// is a pure machine like [dave.Delivery], whose methods say what is expected.
// It is called by one goroutine at a time, and what it returns must not change.
//
// https://discord.com/developers/docs/topics/voice-connections#endtoend-encryption-dave-protocol
type Delivery interface {
	Join(now time.Time, user snowflake.ID, maxVersion uint16) (version uint16, out []dave.Outgoing, err error)
	Leave(now time.Time, user snowflake.ID) []dave.Outgoing
	HandleVoice(now time.Time, user snowflake.ID, m gateway.VoiceMessage) ([]dave.Outgoing, error)
	NextDeadline() time.Time
	HandleTimeout(now time.Time) []dave.Outgoing
}

// newDelivery is what makes the delivery service of a channel by default.
func newDelivery(channel snowflake.ID) (Delivery, error) { return dave.NewDelivery(channel) }

// deliver sends what a delivery service wants sent, and looks at its clock.
func (r *room) deliver(now time.Time, messages []dave.Outgoing) {
	for _, o := range messages {
		for _, s := range r.talking {
			if s.member.User == o.To {
				s.send(now, o.Message.Op, o.Message.Data)
			}
		}
	}
	if at := r.delivery.NextDeadline(); at.IsZero() || len(r.members) == 0 {
		delete(r.srv.waiting, r)
	} else {
		r.srv.waiting[r] = at
	}
}

// handleDelivery gives a message to the delivery service.
func (c *Conn) handleDelivery(now time.Time, op opcode.Voice, data []byte) {
	s := c.session
	r := s.member.room
	if r.delivery == nil || !s.talking {
		return // it was meant for a call that is not encrypted
	}
	messages, err := r.delivery.HandleVoice(now, s.member.User, gateway.VoiceMessage{Op: op, Data: data, Seq: -1})
	if err != nil {
		c.fail(now, closecode.VoiceBadRequest, op.String()+": "+err.Error())
		return
	}
	r.deliver(now, messages)
}
