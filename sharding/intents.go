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

// deriveIntents adds the intents of the handlers, unless any was named.
func (g *Group) deriveIntents() error {
	options := append(g.options[:len(g.options):len(g.options)], gateway.WithShardCount(1))
	probe, err := gateway.NewGatewayState(g.token(), options...)
	if err != nil {
		return err
	}
	named := probe.Intents()
	_ = probe.Close()
	if named != 0 || len(g.handlers()) == 0 {
		return nil
	}
	derived, err := intentsOf(slices.Sorted(maps.Keys(g.handlers())))
	if err != nil {
		return err
	}
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
