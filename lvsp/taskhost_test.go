package lvsp_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/stretchr/testify/require"
)

// A scriptedHost does what a scenario says, and remembers who is in which
// channel.
type scriptedHost struct {
	s      *harness
	health float64
	later  bool             // assigns and creates
	slow   bool             // updates
	fail   map[string]error // by what is asked

	channels map[string]lvsp.Channel
	states   map[string]lvsp.VoiceState // that were answered
	owed     map[lvsp.Ticket]lvsp.Task
	tickets  []lvsp.Ticket // to assign and create, as scenarios count them from 1
}

func newHost(s *harness) *scriptedHost {
	h := &scriptedHost{s: s, health: 0.5, fail: map[string]error{}}
	h.reset()
	return h
}

// reset forgets everything, as a new process does.
func (h *scriptedHost) reset() {
	h.later, h.slow, h.tickets = false, false, nil
	h.channels, h.states, h.owed = map[string]lvsp.Channel{}, map[string]lvsp.VoiceState{}, map[lvsp.Ticket]lvsp.Task{}
}

func (h *scriptedHost) order(args []string) {
	s := h.s
	switch args[0] {
	case "later":
		h.later = true
	case "now":
		h.later = false
	case "health":
		_, err := fmt.Sscan(args[1], &h.health)
		require.NoError(s.t, err)
		s.server.SetHealth(h.health)
	case "fail":
		h.fail[args[1]] = errors.New(strings.Join(args[2:], " "))
	case "full":
		h.fail[args[1]] = &lvsp.RequestError{Code: lvsp.Full, Message: "no more users"}
	case "works":
		clear(h.fail)
	case "assigned":
		h.answer(lvsp.AssignChannel{Ticket: h.ticket(args[1])}, "late")
	case "created":
		h.answer(lvsp.CreateVoiceState{Ticket: h.ticket(args[1])}, "late")
	case "slow":
		h.slow = true
	case "updated": // all that are owed
		h.slow = false
		h.settle()
	default:
		s.t.Fatalf("unknown order %q", args)
	}
}

// serve does what the machine wants done.
func (h *scriptedHost) serve() {
	for t, ok := h.s.server.NextTask(); ok; t, ok = h.s.server.NextTask() {
		h.do(t)
	}
}

func (h *scriptedHost) do(task lvsp.Task) {
	switch t := task.(type) {
	case lvsp.AssignChannel:
		h.s.print("host: assign %s %d of %d, %d bit/s", t.Channel.Backend, t.Channel.ID, t.Channel.Guild, t.Channel.Bitrate)
		require.NotContains(h.s.t, h.channels, channelKey(t.Channel), "assigned twice")
		h.now(t.Ticket, t, "all")
	case lvsp.UpdateChannel:
		h.s.print("host: update %s %d of %d, %d bit/s", t.Channel.Backend, t.Channel.ID, t.Channel.Guild, t.Channel.Bitrate)
		require.Contains(h.s.t, h.channels, channelKey(t.Channel), "updated before it was assigned")
		h.now(t.Ticket, t, "")
	case lvsp.DestroyChannel:
		h.destroyChannel(t.Channel)
	case lvsp.CreateVoiceState:
		h.s.print("host: create %s", describe(t.State))
		require.Contains(h.s.t, h.channels, channelKey(lvsp.Channel{Backend: t.State.Backend, ID: t.State.Channel}), "joined before it was assigned")
		h.now(t.Ticket, t, fmt.Sprintf("for-%d", t.State.User))
	case lvsp.UpdateVoiceState:
		h.s.print("host: update %s", describe(t.State))
		require.Contains(h.s.t, h.states, stateKey(t.State), "updated before it was created")
		h.now(t.Ticket, t, "")
	case lvsp.DestroyVoiceState:
		h.s.print("host: destroy %s, %v", describe(t.State), t.Reason)
		delete(h.states, stateKey(t.State))
	case lvsp.RequestRefused:
		h.s.print("host: refused %s: %v", t.Backend, t.Err)
	}
}

func (h *scriptedHost) destroyChannel(c lvsp.Channel) {
	h.s.print("host: destroy %s %d of %d", c.Backend, c.ID, c.Guild)
	require.Contains(h.s.t, h.channels, channelKey(c), "destroyed before it was assigned")
	delete(h.channels, channelKey(c))
	for _, v := range h.states {
		require.False(h.s.t, v.Backend == c.Backend && v.Channel == c.ID, "%s outlives its channel", describe(v))
	}
}

// now answers at once, or owes the answer.
func (h *scriptedHost) now(t lvsp.Ticket, task lvsp.Task, token string) {
	h.owed[t] = task
	if token == "" { // an update
		if !h.slow {
			h.answer(task, token)
		}
		return
	}
	h.tickets = append(h.tickets, t)
	if h.later {
		h.s.print("host: ticket %d", len(h.tickets))
		return
	}
	h.answer(task, token)
}

// answer answers a ticket, which the voice server may not owe.
func (h *scriptedHost) answer(task lvsp.Task, token string) {
	s, now := h.s.server, h.s.now
	switch t := task.(type) {
	case lvsp.AssignChannel:
		owed, ok := pay[lvsp.AssignChannel](h, t.Ticket)
		if ok && h.fail["assign"] == nil {
			h.channels[channelKey(owed.Channel)] = owed.Channel
		}
		s.ChannelAssigned(now, t.Ticket, lvsp.Assignment{Token: token, Endpoint: "v.example:443"}, h.fail["assign"])
	case lvsp.CreateVoiceState:
		owed, ok := pay[lvsp.CreateVoiceState](h, t.Ticket)
		if ok && h.fail["create"] == nil {
			h.states[stateKey(owed.State)] = owed.State
		}
		s.VoiceStateCreated(now, t.Ticket, lvsp.Voice{Token: token, Endpoint: "v.example:443"}, h.fail["create"])
	case lvsp.UpdateVoiceState:
		owed, ok := pay[lvsp.UpdateVoiceState](h, t.Ticket)
		if _, there := h.states[stateKey(owed.State)]; ok && there && h.fail["update"] == nil {
			h.states[stateKey(owed.State)] = owed.State
		}
		s.Updated(now, t.Ticket, h.fail["update"])
	case lvsp.UpdateChannel:
		pay[lvsp.UpdateChannel](h, t.Ticket)
		s.Updated(now, t.Ticket, h.fail["update"])
	}
}

// ticket returns the one with a number, one that is not known if there are
// fewer.
func (h *scriptedHost) ticket(number string) lvsp.Ticket {
	if n := h.s.number(number); n <= len(h.tickets) {
		return h.tickets[n-1]
	}
	return 1 << 60
}

// pay returns the task that a ticket was for, if it is of this kind and owed.
func pay[T lvsp.Task](h *scriptedHost, t lvsp.Ticket) (T, bool) {
	task, ok := h.owed[t].(T)
	if ok {
		delete(h.owed, t)
	}
	return task, ok
}

// settle answers whatever is owed, and from then on at once.
func (h *scriptedHost) settle() {
	h.later, h.slow = false, false
	for h.serve(); len(h.owed) > 0; h.serve() {
		h.answer(h.owed[slices.Min(slices.Collect(maps.Keys(h.owed)))], "late")
	}
}

func channelKey(c lvsp.Channel) string { return fmt.Sprintf("%s/%d", c.Backend, c.ID) }

func stateKey(v lvsp.VoiceState) string {
	return fmt.Sprintf("%s/%d/%d", v.Backend, v.Channel, v.User)
}
