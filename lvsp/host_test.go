package lvsp_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/discordpkg/gateway/lvsp"
	"github.com/stretchr/testify/require"
)

// A scriptedHost does what a scenario says, and remembers who is in which
// channel.
type scriptedHost struct {
	s      *stage
	health float64
	later  bool
	fail   map[string]error // by what is asked

	channels map[string]lvsp.Channel
	states   map[string]lvsp.VoiceState // that were answered
	owed     map[lvsp.Ticket]any
}

func newHost(s *stage) *scriptedHost {
	h := &scriptedHost{s: s, health: 0.5, fail: map[string]error{}}
	h.reset()
	return h
}

// reset forgets everything, as a new process does.
func (h *scriptedHost) reset() {
	h.later = false
	h.channels, h.states, h.owed = map[string]lvsp.Channel{}, map[string]lvsp.VoiceState{}, map[lvsp.Ticket]any{}
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
	case "fail":
		h.fail[args[1]] = errors.New(strings.Join(args[2:], " "))
	case "full":
		h.fail[args[1]] = &lvsp.RequestError{Code: lvsp.Full, Message: "no more users"}
	case "works":
		clear(h.fail)
	case "assigned":
		h.assigned(lvsp.Ticket(s.number(args[1])))
	case "created":
		h.created(lvsp.Ticket(s.number(args[1])))
	default:
		s.t.Fatalf("unknown order %q", args)
	}
}

func (h *scriptedHost) assigned(t lvsp.Ticket) {
	if c, ok := h.owed[t].(lvsp.Channel); ok {
		delete(h.owed, t)
		if h.fail["assign"] == nil {
			h.channels[channelKey(c)] = c
		}
	}
	h.s.server.ChannelAssigned(h.s.now, t, lvsp.Assignment{Token: "late", Endpoint: "v.example:443"}, h.fail["assign"])
}

func (h *scriptedHost) created(t lvsp.Ticket) {
	if v, ok := h.owed[t].(lvsp.VoiceState); ok {
		delete(h.owed, t)
		if h.fail["create"] == nil {
			h.states[stateKey(v)] = v
		}
	}
	h.s.server.VoiceStateCreated(h.s.now, t, lvsp.Voice{Token: "late", Endpoint: "v.example:443"}, h.fail["create"])
}

// settle answers whatever is owed, and from then on at once.
func (h *scriptedHost) settle() {
	h.later = false
	for len(h.owed) > 0 {
		t := slices.Min(slices.Collect(maps.Keys(h.owed)))
		if _, ok := h.owed[t].(lvsp.Channel); ok {
			h.assigned(t)
		} else {
			h.created(t)
		}
	}
}

// answer says what to return.
func (h *scriptedHost) answer(what string, t lvsp.Ticket, about any) error {
	if h.later {
		h.s.print("host: ticket %d", t)
		h.owed[t] = about
		return lvsp.ErrLater
	}
	return h.fail[what]
}

func channelKey(c lvsp.Channel) string { return fmt.Sprintf("%s/%d", c.Backend, c.ID) }

func stateKey(v lvsp.VoiceState) string {
	return fmt.Sprintf("%s/%d/%d", v.Backend, v.Channel, v.User)
}

func (h *scriptedHost) AssignChannel(_ time.Time, t lvsp.Ticket, c lvsp.Channel) (lvsp.Assignment, error) {
	h.s.print("host: assign %s %d of %d, %d bit/s", c.Backend, c.ID, c.Guild, c.Bitrate)
	require.NotContains(h.s.t, h.channels, channelKey(c), "assigned twice")
	err := h.answer("assign", t, c)
	if err == nil {
		h.channels[channelKey(c)] = c
	}
	return lvsp.Assignment{Token: "all", Endpoint: "v.example:443"}, err
}

func (h *scriptedHost) UpdateChannel(_ time.Time, c lvsp.Channel) error {
	h.s.print("host: update %s %d of %d, %d bit/s", c.Backend, c.ID, c.Guild, c.Bitrate)
	require.Contains(h.s.t, h.channels, channelKey(c), "updated before it was assigned")
	return h.fail["update"]
}

func (h *scriptedHost) DestroyChannel(_ time.Time, c lvsp.Channel) {
	h.s.print("host: destroy %s %d of %d", c.Backend, c.ID, c.Guild)
	require.Contains(h.s.t, h.channels, channelKey(c), "destroyed before it was assigned")
	delete(h.channels, channelKey(c))
	for _, v := range h.states {
		require.False(h.s.t, v.Backend == c.Backend && v.Channel == c.ID, "%s outlives its channel", describe(v))
	}
}

func (h *scriptedHost) CreateVoiceState(_ time.Time, t lvsp.Ticket, v lvsp.VoiceState) (lvsp.Voice, error) {
	h.s.print("host: create %s", describe(v))
	require.Contains(h.s.t, h.channels, channelKey(lvsp.Channel{Backend: v.Backend, ID: v.Channel}), "joined before it was assigned")
	err := h.answer("create", t, v)
	if err == nil {
		h.states[stateKey(v)] = v
	}
	return lvsp.Voice{Token: fmt.Sprintf("for-%d", v.User), Endpoint: "v.example:443"}, err
}

func (h *scriptedHost) UpdateVoiceState(_ time.Time, v lvsp.VoiceState) error {
	h.s.print("host: update %s", describe(v))
	require.Contains(h.s.t, h.states, stateKey(v), "updated before it was created")
	if h.fail["update"] == nil {
		h.states[stateKey(v)] = v
	}
	return h.fail["update"]
}

func (h *scriptedHost) DestroyVoiceState(_ time.Time, v lvsp.VoiceState, why lvsp.Reason) {
	h.s.print("host: destroy %s, %v", describe(v), why)
	delete(h.states, stateKey(v))
}

func (h *scriptedHost) Health(time.Time) float64 { return h.health }

func (h *scriptedHost) Refused(_ time.Time, backend string, e *lvsp.RequestError) {
	h.s.print("host: refused %s: %v", backend, e)
}
