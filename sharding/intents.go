package sharding

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/intent"
)

// An IntentError is a [Group.Run] whose handlers want events of privileged intents,
// while no intent was named. Those have to be switched on by a person first, and
// Discord refuses the connections of a bot that asks for them without.
//
// https://discord.com/developers/docs/events/gateway#privileged-intents
type IntentError struct {
	Events     []event.Type // that have a handler
	Privileged intent.Type  // what they need
	Derived    intent.Type  // what the other handlers need
}

func (e *IntentError) Error() string {
	names := make([]string, len(e.Events))
	for i, name := range e.Events {
		names[i] = string(name)
	}
	return fmt.Sprintf("sharding: the handlers of %s need the privileged intents %v: switch them on in the Developer Portal "+
		"(Bot, Privileged Gateway Intents), and name all intents, gateway.WithIntents(%v)",
		strings.Join(names, ", "), e.Privileged, e.Privileged|e.Derived)
}

// A LateHandlerError is a handler that was registered while the group runs, of an
// event that its sessions do not get. A session's intents are those of its start.
type LateHandlerError struct {
	Event   event.Type
	Intents intent.Type // any of them would bring the event
}

func (e *LateHandlerError) Error() string {
	return fmt.Sprintf("sharding: %s needs one of the intents %v, which the running sessions lack: register the handler before Run, or name the intent",
		e.Event, e.Intents)
}

// tooLate is an error if the group runs and its sessions do not get an event.
func (g *Group) tooLate(name event.Type) error {
	guild, direct := intent.Sources(name)
	g.mu.Lock()
	defer g.mu.Unlock()
	if need := guild | direct; g.started && need != 0 && g.intents&need == 0 {
		return &LateHandlerError{Event: name, Intents: need}
	}
	return nil
}

// deriveIntents adds the intents of the handlers, unless any was named. The group's
// lock is held.
func (g *Group) deriveIntents() error {
	options := append(g.options[:len(g.options):len(g.options)], gateway.WithShardCount(1))
	probe, err := gateway.NewGatewayState(g.token(), options...)
	if err != nil {
		return err
	}
	named := probe.Intents()
	_ = probe.Close()
	g.intents = named
	if named != 0 || len(g.handlers()) == 0 {
		return nil
	}
	derived, err := intentsOf(slices.Sorted(maps.Keys(g.handlers())))
	if err != nil {
		return err
	}
	g.intents = derived
	g.options = append(g.options[:len(g.options):len(g.options)], gateway.WithIntents(derived))
	return nil
}

// intentsOf returns the smallest set of intents for events from guilds and from
// direct messages, or an [*IntentError].
func intentsOf(events []event.Type) (intent.Type, error) {
	set := intent.FromGuildEvents(events...) | intent.FromDirectMessageEvents(events...)
	privileged := set & intent.Privileged
	if privileged == 0 {
		return set, nil
	}
	e := &IntentError{Privileged: privileged, Derived: set &^ intent.Privileged}
	for _, name := range events {
		if guild, direct := intent.Required(name); (guild|direct)&privileged != 0 {
			e.Events = append(e.Events, name)
		}
	}
	return 0, e
}
