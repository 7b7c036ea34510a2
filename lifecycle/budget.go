package lifecycle

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Discord lets a bot identify a number of times in 24 hours, all shards and
// processes together. When they are used up it ends all sessions and resets
// the token.
//
// https://discord.com/developers/docs/events/gateway#session-start-limit-object
const (
	// DefaultStarts is the limit of a bot that does not know its own.
	DefaultStarts = 1000

	// BudgetWindow is the time in which identifies count.
	BudgetWindow = 24 * time.Hour
)

const (
	maxStarts  = 1 << 20 // of any limit
	reserveOne = 20      // one start of so many is reserved by default
	maxMinutes = int(BudgetWindow/time.Minute) + 2
	maxMinute  = 1 << 40     // in either direction, which a clock never shows
	askAgain   = time.Minute // when all that is left is promised to other shards
)

// A Budget counts the identifies of a bot in a rolling window of 24 hours.
// Resumes do not count. The last ones are not spent: they are reserved for what
// the owner of the bot does by hand.
//
// A shard takes an identify before it dials, and spends it when the frame is
// written, or releases it. The zero Budget is not valid, use [NewBudget]. It is
// not safe for concurrent use.
type Budget struct {
	now     time.Time
	limit   int
	reserve int // negative: the default share
	minutes []BudgetMinute
	used    int // sum of minutes
	taken   map[uint]bool
	stored  bool // minutes are those of a former process, and not yet judged
	told    bool // Discord said what remains, until resetAt
	remains int
	resetAt time.Time
}

// A BudgetOption configures a new [Budget].
type BudgetOption func(b *Budget) error

// WithStarts sets how many identifies the bot has in 24 hours, [DefaultStarts]
// by default. [Budget.Learn] replaces it.
func WithStarts(limit int) BudgetOption {
	return func(b *Budget) error {
		if limit < 1 || limit > maxStarts {
			return fmt.Errorf("lifecycle: %d session starts, want 1 to %d", limit, maxStarts)
		}
		b.limit = limit
		return nil
	}
}

// WithReservedStarts sets how many of the identifies are never spent, 5 % and at
// least one by default.
func WithReservedStarts(n int) BudgetOption {
	return func(b *Budget) error {
		if n < 0 || n > maxStarts {
			return fmt.Errorf("lifecycle: %d reserved session starts, want 0 to %d", n, maxStarts)
		}
		b.reserve = n
		return nil
	}
}

// WithBudgetState makes the budget go on where a former process was. Identifies
// in the future, those of a clock that was set back, count from now on.
func WithBudgetState(state BudgetState) BudgetOption {
	return func(b *Budget) error {
		if err := state.Check(); err != nil {
			return err
		}
		b.minutes, b.stored = append([]BudgetMinute(nil), state.Minutes...), true
		for _, m := range b.minutes {
			b.used += m.Count
		}
		return nil
	}
}

// Restore is [WithBudgetState] for a budget of which nothing is spent yet. After an
// error nothing has changed.
func (b *Budget) Restore(state BudgetState) error {
	if b.used > 0 {
		return errors.New("lifecycle: the budget is in use already")
	}
	return WithBudgetState(state)(b)
}

// NewBudget returns a budget of which nothing is spent, unless
// [WithBudgetState] says otherwise.
func NewBudget(options ...BudgetOption) (*Budget, error) {
	b := &Budget{limit: DefaultStarts, reserve: -1, taken: map[uint]bool{}}
	for _, o := range options {
		if err := o(b); err != nil {
			return nil, err
		}
	}
	if b.Reserved() >= b.limit {
		return nil, fmt.Errorf("lifecycle: %d of %d session starts are reserved, none is left", b.Reserved(), b.limit)
	}
	return b, nil
}

// ErrStartLimit reports a session_start_limit that makes no sense.
var ErrStartLimit = errors.New("lifecycle: invalid session start limit")

// Learn tells the budget what Discord said: the limit, how many are left, and
// after what time all are back. Both counts hold: what Discord says, and the
// budget's own. After an error nothing has changed.
func (b *Budget) Learn(now time.Time, total, remaining int, resetAfter time.Duration) error {
	switch {
	case total < 1 || total > maxStarts:
		return fmt.Errorf("%w: total %d", ErrStartLimit, total)
	case remaining < 0 || remaining > total:
		return fmt.Errorf("%w: remaining %d of %d", ErrStartLimit, remaining, total)
	case resetAfter < 0 || resetAfter > 7*BudgetWindow:
		return fmt.Errorf("%w: reset after %v", ErrStartLimit, resetAfter)
	case b.reserve >= total:
		return fmt.Errorf("%w: total %d, of which %d are reserved", ErrStartLimit, total, b.reserve)
	}
	b.advance(now)
	b.limit, b.told, b.remains, b.resetAt = total, true, remaining, b.now.Add(resetAfter)
	return nil
}

// Limit returns how many identifies there are in 24 hours.
func (b *Budget) Limit() int { return b.limit }

// Reserved returns how many of them are never spent.
func (b *Budget) Reserved() int {
	if b.reserve < 0 {
		return max(1, b.limit/reserveOne)
	}
	return b.reserve
}

// Used returns how many were spent in the 24 hours before now.
func (b *Budget) Used(now time.Time) int { b.advance(now); return b.used }

// Left returns how many more may be taken at now. It is negative if more were
// spent than the budget has.
func (b *Budget) Left(now time.Time) int { b.advance(now); return b.left() }

// Take admits one identify of a shard, or returns when to ask again. A shard
// that has taken one and not spent it has it still.
func (b *Budget) Take(now time.Time, shard uint) (retryAt time.Time, ok bool) {
	b.advance(now)
	if b.taken[shard] {
		return time.Time{}, true
	}
	if b.left() > 0 {
		b.taken[shard] = true
		return time.Time{}, true
	}
	return b.room(), false
}

// Spend records that a shard has written identify, whether it had taken one or not.
func (b *Budget) Spend(now time.Time, shard uint) {
	b.advance(now)
	delete(b.taken, shard)
	if b.used++; b.told {
		b.remains--
	}
	minute := b.now.Unix() / 60
	if n := len(b.minutes); n > 0 && b.minutes[n-1].Minute == minute {
		b.minutes[n-1].Count++
		return
	}
	b.minutes = append(b.minutes, BudgetMinute{minute, 1})
}

// Release gives back what a shard has taken and not spent.
func (b *Budget) Release(shard uint) { delete(b.taken, shard) }

func (b *Budget) left() int {
	left := b.limit - b.used
	if b.told {
		left = min(left, b.remains)
	}
	return left - b.Reserved() - len(b.taken)
}

// room returns when there is room for one more if nothing else is spent.
func (b *Budget) room() (at time.Time) {
	over := 1 + b.used + len(b.taken) + b.Reserved() - b.limit
	for _, m := range b.minutes {
		if over <= 0 {
			break
		}
		at, over = m.end(), over-m.Count
	}
	if b.told && b.remains-b.Reserved()-len(b.taken) <= 0 && b.resetAt.After(at) {
		at = b.resetAt
	}
	if over > 0 || !at.After(b.now) {
		at = b.now.Add(askAgain)
	}
	return at
}

// advance moves the clock and forgets what has left the window.
func (b *Budget) advance(now time.Time) {
	if now.After(b.now) {
		b.now = now
	}
	if b.stored {
		b.judge()
	}
	gone := 0
	for gone < len(b.minutes) && !b.now.Before(b.minutes[gone].end()) {
		b.used -= b.minutes[gone].Count
		gone++
	}
	b.minutes = b.minutes[gone:]
	if b.told && !b.now.Before(b.resetAt) {
		b.told = false
	}
}

// judge takes identifies in the future for identifies now.
func (b *Budget) judge() {
	b.stored = false
	minute := b.now.Unix() / 60
	future := 0
	for n := len(b.minutes); n > 0 && b.minutes[n-1].Minute >= minute; n-- {
		future += b.minutes[n-1].Count
		b.minutes = b.minutes[:n-1]
	}
	if future > 0 {
		b.minutes = append(b.minutes, BudgetMinute{minute, future})
	}
}

// State returns what the next process needs to know.
func (b *Budget) State() BudgetState {
	return BudgetState{Version: BudgetStateVersion, Minutes: append([]BudgetMinute(nil), b.minutes...)}
}

// BudgetStateVersion is the version of [BudgetState] that this package writes and reads.
const BudgetStateVersion = 1

// MaxBudgetState is the size in bytes of the longest [BudgetState] that is read.
const MaxBudgetState = 128 << 10

// A BudgetState is what a [Budget] has counted. Store it beside the sessions of
// the bot. The zero BudgetState is that of a bot that has never identified.
type BudgetState struct {
	Version int            `json:"version"`
	Minutes []BudgetMinute `json:"minutes,omitempty"` // in ascending order
}

// A BudgetMinute is a minute in which a bot identified. It leaves the window 24
// hours after its end, so that the window is never too short.
type BudgetMinute struct {
	Minute int64 `json:"minute"` // since 1970
	Count  int   `json:"count"`
}

func (m BudgetMinute) end() time.Time { return time.Unix((m.Minute+1)*60, 0).UTC().Add(BudgetWindow) }

// Check returns an error that matches [ErrStateVersion] or [ErrState] if s
// cannot have been written by a budget of this version.
func (s BudgetState) Check() error {
	switch {
	case s.Version == 0 && len(s.Minutes) == 0:
		return nil
	case s.Version != BudgetStateVersion:
		return fmt.Errorf("%w: %d, not %d", ErrStateVersion, s.Version, BudgetStateVersion)
	case len(s.Minutes) > maxMinutes:
		return fmt.Errorf("%w: %d minutes", ErrState, len(s.Minutes))
	}
	last := int64(-maxMinute - 1)
	for _, m := range s.Minutes {
		if m.Minute <= last || m.Minute > maxMinute {
			return fmt.Errorf("%w: minute %d after %d", ErrState, m.Minute, last)
		}
		if m.Count < 1 || m.Count > maxStarts {
			return fmt.Errorf("%w: %d identifies in a minute", ErrState, m.Count)
		}
		last = m.Minute
	}
	return nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It refuses what [BudgetState.Check]
// refuses, and more than [MaxBudgetState] bytes. After an error s is unchanged.
func (s *BudgetState) UnmarshalJSON(data []byte) error {
	if len(data) > MaxBudgetState {
		return fmt.Errorf("%w: %d bytes", ErrState, len(data))
	}
	type plain BudgetState
	var read plain
	if err := json.Unmarshal(data, &read); err != nil {
		return fmt.Errorf("%w: %w", ErrState, err)
	}
	if err := BudgetState(read).Check(); err != nil {
		return err
	}
	*s = BudgetState(read)
	return nil
}
