package voiceshard

import (
	"slices"
	"time"

	"github.com/discordpkg/gateway/internal/deadline"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard/internal/jitter"
)

// A source is one SSRC, and what it has sent that is not handed out yet.
type source struct {
	ssrc   uint32
	user   snowflake.ID // zero: not known
	tally  *Counts      // of the user
	order  *jitter.Buffer[*payload]
	meter  jitter.Meter
	held   []held // in order, behind a packet whose sender or key is not known
	heard  time.Time
	listed bool // in inbound.waiting
}

// held is the next step of a source that has to wait.
type held struct {
	jitter.Result[*payload]
	until time.Time
}

// deadline returns when something has waited for too long, zero if nothing waits.
func (s *source) deadline() time.Time {
	next := s.order.NextDeadline()
	if len(s.held) > 0 {
		next = deadline.Earliest(next, s.held[0].until)
	}
	return next
}

// departedTime is how long an SSRC belongs to a user that has left: datagrams
// may still be on their way. Then the voice server may give it to another user.
const departedTime = time.Second

// A departure is a user that has left, with an SSRC.
type departure struct {
	ssrc uint32
	user snowflake.ID
	at   time.Time // the SSRC is forgotten
}

// maxNames bounds what is known about users, who come and go.
const maxNames = 4096

// source returns the source of a packet, nil if there are too many.
func (in *inbound) source(now time.Time, ssrc uint32) *source {
	if s := in.sources[ssrc]; s != nil {
		return s
	}
	if len(in.sources) >= maxSources {
		in.sweep(now)
	}
	if len(in.sources) >= maxSources {
		return nil
	}
	s := &source{ssrc: ssrc, order: jitter.New[*payload](in.reorder, 0)}
	in.sources[ssrc] = s
	in.name(s, in.names[ssrc])
	return s
}

// sweep removes the sources that are silent.
func (in *inbound) sweep(now time.Time) {
	for ssrc, s := range in.sources {
		if now.Sub(s.heard) > idle {
			in.flush(now, s)
			in.retire(s)
			delete(in.sources, ssrc)
		}
	}
	in.tidy()
}

// retire keeps what remains of a source: how evenly its packets arrived.
func (in *inbound) retire(s *source) { in.stats.spread.Add(s.meter.Spread()) }

// name says whose source it is.
func (in *inbound) name(s *source, user snowflake.ID) {
	s.user = user
	if in.tallies == nil {
		in.tallies = make(map[snowflake.ID]*Counts)
	}
	if s.tally = in.tallies[user]; s.tally == nil {
		s.tally = new(Counts)
		if len(in.tallies) < maxNames {
			in.tallies[user] = s.tally
		}
	}
}

// introduce says whose SSRC it is. Packets that waited for that are handed out.
func (in *inbound) introduce(now time.Time, ssrc uint32, user snowflake.ID) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if len(in.names) >= maxNames {
		for ssrc, user := range in.names {
			if _, here := in.present[user]; !here {
				delete(in.names, ssrc)
			}
		}
	}
	in.departed = slices.DeleteFunc(in.departed, func(d departure) bool { return d.ssrc == ssrc })
	if in.names[ssrc] == user || len(in.names) >= maxNames {
		return
	}
	in.names[ssrc] = user
	if s := in.sources[ssrc]; s != nil {
		in.name(s, user)
		in.unhold(now, s, false)
	}
}

// join adds users, but for the bot itself, to those in the channel, and returns
// the new ones.
func (in *inbound) join(users []snowflake.ID, self snowflake.ID) (added []snowflake.ID) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, user := range users {
		if _, here := in.present[user]; !here && user != 0 && user != self && len(in.present) < maxNames {
			in.present[user] = struct{}{}
			added = append(added, user)
		}
	}
	return added
}

// leave removes a user. What was received is handed out; the name of the SSRC
// is kept for a second, for datagrams that are still on their way.
func (in *inbound) leave(now time.Time, user snowflake.ID) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.present, user)
	for ssrc, owner := range in.names {
		if owner != user {
			continue
		}
		in.departed = append(in.departed, departure{ssrc, user, now.Add(departedTime)})
		in.remove(now, ssrc)
	}
	in.tidy()
}

// remove hands out what a source has, and forgets the source.
func (in *inbound) remove(now time.Time, ssrc uint32) {
	if s := in.sources[ssrc]; s != nil {
		in.flush(now, s)
		in.retire(s)
		delete(in.sources, ssrc)
	}
}

// forget takes SSRCs away from users that have left. What comes with one of
// them afterwards is of a user that is not known yet.
func (in *inbound) forget(now time.Time) {
	if len(in.departed) == 0 {
		return
	}
	n := 0
	for n < len(in.departed) && !now.Before(in.departed[n].at) {
		d := in.departed[n]
		if in.names[d.ssrc] == d.user {
			delete(in.names, d.ssrc)
			in.remove(now, d.ssrc)
		}
		n++
	}
	in.departed = in.departed[n:]
}

// Users returns who else is in the channel, as far as the voice server has
// said, in no order.
func (s *Session) Users() []snowflake.ID {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	users := make([]snowflake.ID, 0, len(s.in.present))
	for user := range s.in.present {
		users = append(users, user)
	}
	return users
}

// User returns whose SSRC it is, zero if the voice server has not said, or if
// its user has left more than a second ago.
func (s *Session) User(ssrc uint32) snowflake.ID {
	s.in.mu.Lock()
	defer s.in.mu.Unlock()
	s.in.forget(time.Now())
	return s.in.names[ssrc]
}
