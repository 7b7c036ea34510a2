package voiceshard

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/opcode"
)

// follow collects the events of a session until it ends.
func follow(ctx context.Context, s *Session) (collected func() []Event) {
	var events []Event
	done := make(chan struct{})
	started := make(chan struct{})
	go func() {
		defer close(done)
		all := s.Events(ctx)
		close(started)
		for e := range all {
			events = append(events, e)
		}
	}()
	<-started
	sleep(0)
	return func() []Event {
		<-done
		return events
	}
}

func TestEvents(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		collected := follow(t.Context(), s)
		host := d.server(theHost)
		host.last().number(opcode.VoiceClientsConnect, `{"user_ids":["104694319306248193","104694319306248193"]}`)
		host.last().number(opcode.VoiceSpeaking, voiceOfOther)
		sleep(0)
		host.last().close(4015)
		sleep(2 * time.Second)
		d.state(cellar, "session-2")
		host.last().send(opcode.VoiceClientDisconnect, `{"user_id":"104694319306248193"}`)
		sleep(0)
		require.NoError(t, s.Leave(t.Context()))

		events := collected()
		kinds := []EventKind{}
		for _, e := range events {
			require.False(t, e.At.IsZero())
			kinds = append(kinds, e.Kind)
		}
		require.Equal(t, []EventKind{EventUserJoined, EventSpeaking, EventDisconnected, EventConnected, EventMoved, EventUserLeft, EventDisconnected, EventEnded}, kinds)
		require.Equal(t, other, events[0].User)
		require.Equal(t, uint32(77), events[1].SSRC)
		require.ErrorContains(t, events[2].Err, "4015")
		require.Equal(t, cellar, events[4].Channel)
		require.ErrorIs(t, events[7].Err, ErrLeft)
		for range s.Events(t.Context()) {
			t.Fatal("there is nothing after the end")
		}
	})
}

// Nobody waits for a loop that is too slow; it is told what it missed.
func TestEventsMissed(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() {
			sleep(time.Second)
			for n := range maxEvents + 10 {
				s.emit(Event{Kind: EventSpeaking, SSRC: uint32(n)})
			}
		}()
		n, missed := 0, 0
		for e := range s.Events(ctx) {
			n++
			missed += e.Missed
			require.Equal(t, n+missed-1, int(e.SSRC), "in order, and nothing is left out in silence")
			if e.SSRC == maxEvents+9 {
				break
			}
			sleep(0)
		}
		require.NotZero(t, missed)
		require.Empty(t, s.feeds.all)
		cancel()
		for range s.Events(ctx) {
			t.Fatal("the context has ended")
		}
	})
}

// A loop that always finds an event ends with its context.
func TestEventsOfAnEndedContext(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s := d.join()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		go func() {
			sleep(time.Second)
			s.emit(Event{Kind: EventSpeaking})
		}()
		for range s.Events(ctx) {
			s.emit(Event{Kind: EventSpeaking})
			if n++; n == 3 {
				cancel()
			}
			require.LessOrEqual(t, n, 3)
		}
	})
}

func TestNamesInText(t *testing.T) {
	require.Equal(t, "speaking", EventSpeaking.String())
	require.Equal(t, "unknown event", EventKind(99).String())
	require.Equal(t, "undecryptable", Undecryptable.String())
	require.Equal(t, "unknown verdict", Verdict(99).String())
	require.Equal(t, "resuming", Resuming.String())
	require.Equal(t, "unknown phase", Phase(99).String())
}
