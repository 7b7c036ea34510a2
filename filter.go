package gateway

import (
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/opcode"
)

// EventIsWhitelisted reports whether the options let evt through, see
// [WithGuildEvents], [WithDirectMessageEvents] and [WithEvents].
func (s *GatewayState) EventIsWhitelisted(evt event.Type) bool {
	return !s.filtered || s.allowed.Has(evt)
}

// Narrow keeps, of the events that the options let through, only those in the
// set, from the next message on. READY and RESUMED are always kept. Nil keeps all. It may be called again at any
// time: it is for callers whose handlers come and go.
func (s *GatewayState) Narrow(to *event.Set) {
	if to == nil {
		s.narrow = nil
		return
	}
	set := *to
	set.Add(event.Ready, event.Resumed)
	s.narrow = &set
}

// wanted reports whether the caller looks at the data of p.
func (s *GatewayState) wanted(p *GatewayPayload) bool {
	return p.Op != opcode.Dispatch ||
		s.EventIsWhitelisted(p.EventName) && (s.narrow == nil || s.narrow.Has(p.EventName))
}

// allow adds to the events that are wanted.
func (s *GatewayState) allow(events []event.Type) {
	if !s.filtered {
		s.filtered = true
		s.allowed = event.Set{}
		s.allowed.Add(event.Ready, event.Resumed)
	}
	s.allowed.Add(events...)
}
