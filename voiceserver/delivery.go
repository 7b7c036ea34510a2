package voiceserver

import (
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/opcode"
)

// A Delivery is the server's part of the end-to-end encryption of one channel:
// it hands the messages of an MLS group around and proposes who is in it. It
// is a pure machine, called by one goroutine at a time, and is told the time.
// It keeps nothing of what it is given, and what it returns is not changed.
//
// https://discord.com/developers/docs/topics/voice-connections#endtoend-encryption-dave-protocol
type Delivery interface {
	// Join is told that a client has selected a protocol, and which version
	// of end-to-end encryption it offers, zero for none. Its Session
	// Description carries what Version says then, and everybody knows of it
	// before the messages that Join returns.
	Join(now time.Time, user command.Snowflake, maxVersion uint16) []Outgoing

	// Version returns the version that a client that joined should use.
	Version(user command.Snowflake) uint16

	// Leave is told that a client that joined is gone for good.
	Leave(now time.Time, user command.Snowflake) []Outgoing

	// Handle consumes a message of a client that joined: Transition Ready,
	// Key Package, Commit Welcome and Invalid Commit Welcome. An error closes
	// the client's connection with 4020.
	Handle(now time.Time, user command.Snowflake, m gateway.VoiceMessage) ([]Outgoing, error)

	// NextDeadline returns when HandleTimeout is to be called, zero for never.
	NextDeadline() time.Time

	// HandleTimeout does what is due at now.
	HandleTimeout(now time.Time) []Outgoing
}

// An Outgoing is a message to one member of a channel that has joined the
// delivery service, or to all of them.
type Outgoing struct {
	To      command.Snowflake // zero: everybody
	Message gateway.VoiceMessage
}

// deliver sends what a delivery service wants sent, and looks at its clock.
func (r *room) deliver(now time.Time, messages []Outgoing) {
	for _, o := range messages {
		for _, s := range r.talking {
			if o.To == 0 || s.member.User == o.To {
				s.send(now, o.Message.Op, o.Message.Data)
			}
		}
	}
	if at := r.delivery.NextDeadline(); at.IsZero() {
		delete(r.core.waiting, r)
	} else {
		r.core.waiting[r] = at
	}
}

// handleDelivery gives a message to the delivery service.
func (c *Conn) handleDelivery(now time.Time, op opcode.Voice, data []byte) {
	s := c.session
	r := s.member.room
	if r.delivery == nil || !s.talking {
		return // it was meant for a call that is not encrypted
	}
	messages, err := r.delivery.Handle(now, s.member.User, gateway.VoiceMessage{Op: op, Data: data, Seq: -1})
	if err != nil {
		c.fail(now, closecode.VoiceBadRequest, op.String()+": "+err.Error())
		return
	}
	r.deliver(now, messages)
}
