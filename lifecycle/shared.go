package lifecycle

import (
	"errors"
	"math/rand/v2"
	"time"
)

// Shared is what the shards of a bot share: the identifies of the day
// ([Budget]), the hosts that do not answer ([Hosts]), and the end of an outage
// ([Outage]).
//
// It is a machine of its own, and not safe for concurrent use. No shard holds a
// pointer to it: its owner, a group or a lone shard's shell, guards it, asks it
// when the decision of a [Shard] is ShardAsk, and tells it what came of it:
//
//	answer := shared.Ask(now, lifecycle.Request{...})
//	if answer.OK {
//		life.Granted(now, answer.Grant)
//	} else {
//		life.Refused(now, answer.Until, answer.Why)
//	}
//
// Then follow [Shared.Dialed] or [Shared.DialFailed], [Shared.Identified] when
// identify was written, [Shared.Through] at READY or RESUMED, and
// [Shared.Waits] when the decision is ShardWait.
type Shared struct {
	budget *Budget
	hosts  Hosts
	outage Outage
	random func() float64
	now    time.Time
	active map[uint]bool // shards that got through since they dialed
}

// A SharedOption configures a new [Shared].
type SharedOption func(s *Shared) error

// WithBudget configures the budget of identifies.
func WithBudget(options ...BudgetOption) SharedOption {
	return func(s *Shared) (err error) { s.budget, err = NewBudget(options...); return err }
}

// WithHostWaits sets for how long a host that does not answer is left alone: the
// time doubles from least to most. Zero means the default, 1 s and 15 s.
func WithHostWaits(least, most time.Duration) SharedOption {
	return func(s *Shared) error { s.hosts.Min, s.hosts.Max = least, most; return s.hosts.check() }
}

// WithSharedRandom replaces the source of random numbers in [0, 1), [math/rand/v2.Float64] by default.
func WithSharedRandom(random func() float64) SharedOption {
	return func(s *Shared) error {
		if random == nil {
			return errors.New("lifecycle: source of random numbers is nil")
		}
		s.random = random
		return nil
	}
}

// NewShared returns the machine of a bot that has no shards yet.
func NewShared(options ...SharedOption) (*Shared, error) {
	s := &Shared{random: rand.Float64, active: map[uint]bool{}}
	for _, o := range options {
		if err := o(s); err != nil {
			return nil, err
		}
	}
	if s.budget == nil {
		s.budget, _ = NewBudget()
	}
	return s, nil
}

// Budget returns the budget of identifies, to be told what Discord says, and
// to be stored. The owner of s guards it, too.
func (s *Shared) Budget() *Budget { return s.budget }

// HostUntil returns the time until which a host is left alone, zero if it is not.
func (s *Shared) HostUntil(now time.Time, host string) time.Time { return s.hosts.Until(now, host) }

// A Request is what a shard wants to do.
type Request struct {
	Shard      uint
	Identifies bool   // it has no session to resume
	Host       string // the ordinary one, see [HostOf]
	ResumeHost string // empty unless [ShardDecision.AtResumeURL]
}

// An Answer says whether a shard may dial.
type Answer struct {
	OK    bool
	Grant Grant // if OK

	Until time.Time   // when to ask again, if not
	Why   ShardReason // BecauseBudget or BecauseHost
}

// Ask answers a shard whose decision is ShardAsk. If the resume host is left
// alone the shard is sent to the ordinary one. A shard that identifies has one
// start of the day until it spends it, or waits.
func (s *Shared) Ask(now time.Time, r Request) Answer {
	s.advance(now)
	if r.Identifies {
		if at, ok := s.budget.Take(s.now, r.Shard); !ok {
			s.outage.Refused(s.now, r.Shard, false)
			return Answer{Until: at, Why: BecauseBudget}
		}
	}
	var until time.Time
	if r.ResumeHost != "" {
		at, ok := s.hosts.Take(s.now, r.ResumeHost, r.Shard, s.random())
		if ok {
			return s.grant(r, Grant{})
		}
		until = at
	}
	at, ok := s.hosts.Take(s.now, r.Host, r.Shard, s.random())
	if ok {
		return s.grant(r, Grant{AvoidResumeURL: r.ResumeHost != ""})
	}
	if until.IsZero() || at.Before(until) {
		until = at
	}
	s.budget.Release(r.Shard)
	s.outage.Refused(s.now, r.Shard, true)
	return Answer{Until: until, Why: BecauseHost}
}

func (s *Shared) grant(r Request, g Grant) Answer {
	delete(s.active, r.Shard)
	s.outage.Dials(s.now, r.Shard)
	return Answer{OK: true, Grant: g}
}

// Dialed says that a shard opened a connection to a host.
func (s *Shared) Dialed(host string) { s.hosts.Answered(host) }

// DialFailed says that a shard could not open a connection to a host. The caller
// does not tell of what it cancelled itself.
func (s *Shared) DialFailed(now time.Time, shard uint, host string, f HostFailure) {
	s.advance(now)
	s.hosts.Failed(s.now, host, shard, f, s.random())
}

// Identified says that a shard has written identify.
func (s *Shared) Identified(now time.Time, shard uint) {
	s.advance(now)
	s.budget.Spend(s.now, shard)
}

// Through says that READY or RESUMED came to a shard. It returns the shards
// whose wait is to end early because this ended an outage.
func (s *Shared) Through(now time.Time, shard uint) []Wake {
	s.advance(now)
	s.active[shard] = true
	return s.outage.Through(s.now, shard, s.random)
}

// Waits says that a shard waits, whatever for, after a connection or a dial. If
// an outage is over that made it fail, it reports true, and the wait is to end
// early, at a time.
func (s *Shared) Waits(now time.Time, shard uint) (at time.Time, wake bool) {
	s.advance(now)
	s.budget.Release(shard)
	s.hosts.Dropped(shard)
	return s.outage.Waits(s.now, shard, !s.active[shard], s.random())
}

// Gone says that a shard does not run any more.
func (s *Shared) Gone(shard uint) {
	delete(s.active, shard)
	s.budget.Release(shard)
	s.hosts.Dropped(shard)
	s.outage.Gone(shard)
}

func (s *Shared) advance(now time.Time) {
	if now.After(s.now) {
		s.now = now
	}
}
