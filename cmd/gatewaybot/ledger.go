package main

import "github.com/discordpkg/gateway"

// A ledger checks that a handler sees each event of each session once, and in
// order. Discord numbers the events of a session from 1.
type ledger struct {
	open       map[gateway.ShardID]*account
	lost       int64 // before the last one seen
	duplicated int64 // seen again; an event out of order is lost and duplicated
}

// An account is the session that a shard has now.
type account struct {
	session string
	last    int64 // sequence number
}

// begin opens the account of a session, of which the events up to last were
// seen: none of a new one.
func (l *ledger) begin(id gateway.ShardID, session string, last int64) {
	if l.open == nil {
		l.open = make(map[gateway.ShardID]*account)
	}
	l.open[id] = &account{session: session, last: last}
}

// see enters an event. Those without a number are not part of the session.
func (l *ledger) see(id gateway.ShardID, seq int64) {
	a := l.open[id]
	switch {
	case a == nil || seq == 0:
	case seq <= a.last:
		l.duplicated++
	default:
		l.lost += seq - a.last - 1
		a.last = seq
	}
}

// missing returns how many events were sent and are not seen yet, given the
// last sequence number of each session. Sessions that ended owe nothing.
func (l *ledger) missing(sent map[string]int64) (n int64) {
	seen := make(map[string]int64, len(l.open))
	for _, a := range l.open {
		seen[a.session] = a.last
	}
	for session, last := range sent {
		n += max(0, last-seen[session])
	}
	return n
}
