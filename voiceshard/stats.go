package voiceshard

import (
	"time"

	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard/internal/histogram"
)

// Counts are what became of the packets of one user, or of all.
type Counts struct {
	Packets    uint64 // that arrived and are authentic, of any fate
	OK         uint64
	Late       uint64
	Lost       uint64
	Duplicates uint64 // that were dropped

	// Undecryptable packets, by reason.
	UnknownUser uint64 // nobody said whose SSRC it is
	NoKey       uint64 // the key did not come in time
	Refused     uint64 // they are not what the key wants: forged, replayed, too old
}

// Undecryptable returns the number of undecryptable packets.
func (c Counts) Undecryptable() uint64 { return c.UnknownUser + c.NoKey + c.Refused }

func (c *Counts) add(d *Counts) {
	c.Packets += d.Packets
	c.OK += d.OK
	c.Late += d.Late
	c.Lost += d.Lost
	c.Duplicates += d.Duplicates
	c.UnknownUser += d.UnknownUser
	c.NoKey += d.NoKey
	c.Refused += d.Refused
}

// Percentiles describe many durations. None is too short, and none is too long
// by more than 1/16.
type Percentiles struct{ P50, P95, P99, Max time.Duration }

func percentiles(h *histogram.Histogram) Percentiles {
	return Percentiles{P50: h.Quantile(0.50), P95: h.Quantile(0.95), P99: h.Quantile(0.99), Max: h.Max()}
}

// Stats are the figures of a session, from its beginning on. They are plain
// data.
type Stats struct {
	PacketsSent uint64
	BytesSent   uint64 // of datagrams, without UDP and IP
	Unsent      uint64 // datagrams that the socket refused
	Unencrypted uint64 // frames that were dropped because there was no key

	Received  Counts
	Datagrams uint64 // with media, of any fate
	Bytes     uint64 // of those datagrams
	Forged    uint64 // datagrams that are not authentic, such as those of a former session
	Malformed uint64 // authentic datagrams that make no sense
	Foreign   uint64 // of video, and other payloads that are not Opus
	Reports   uint64 // RTCP
	Early     uint64 // before there was a key
	Overflow  uint64 // packets that were refused because too many were waiting
	Dropped   uint64 // packets that [Session.Receive] did not take in time

	Jitter  Percentiles   // by how much the times between packets differ from what they should be
	Latency time.Duration // of the last heartbeat, over the websocket; zero before any
	RTT     time.Duration // of the last keepalive, over UDP; zero before any

	Connects uint64 // how often audio began to flow
	Resumes  uint64 // how many of those continued a session
}

// inboundStats are what inbound counts besides the users.
type inboundStats struct {
	datagrams, bytes, forged, malformed, foreign, reports, early, refused uint64

	spread histogram.Histogram // of the sources that are gone
}

// Stats returns the figures of the session.
func (s *Session) Stats() Stats {
	var st Stats
	s.mu.Lock()
	st.Latency, st.Connects, st.Resumes = s.latency, s.life.Connects(), s.resumes
	if s.media != nil {
		st.RTT = time.Duration(s.media.rtt.Load())
	}
	s.mu.Unlock()
	s.out.figures(&st)
	s.in.figures(&st)
	return st
}

func (o *sender) figures(st *Stats) {
	o.mu.Lock()
	defer o.mu.Unlock()
	st.PacketsSent, st.BytesSent = o.stats.packets, o.stats.bytes
	st.Unsent, st.Unencrypted = o.stats.unsent, o.stats.unencrypted
}

func (in *inbound) figures(st *Stats) {
	in.mu.Lock()
	for _, c := range in.tallies {
		st.Received.add(c)
	}
	i := &in.stats
	st.Datagrams, st.Bytes, st.Forged, st.Malformed = i.datagrams, i.bytes, i.forged, i.malformed
	st.Foreign, st.Reports, st.Early, st.Overflow = i.foreign, i.reports, i.early, i.refused
	sum := in.total()
	in.mu.Unlock()
	st.Jitter = percentiles(&sum)
	in.queue.mu.Lock()
	st.Dropped = in.queue.dropped
	in.queue.mu.Unlock()
}

// UserStats are the figures of what one user said.
type UserStats struct {
	Counts
	SSRCs  []uint32 // that are in use
	Jitter Percentiles
}

// UserStats returns the figures of a user. It reports false if the user has
// sent nothing.
func (s *Session) UserStats(user snowflake.ID) (UserStats, bool) {
	in := &s.in
	in.mu.Lock()
	defer in.mu.Unlock()
	tally := in.tallies[user]
	if tally == nil {
		return UserStats{}, false
	}
	st := UserStats{Counts: *tally}
	var sum histogram.Histogram
	for _, source := range in.sources {
		if source.user == user {
			st.SSRCs = append(st.SSRCs, source.ssrc)
			sum.Add(source.meter.Spread())
		}
	}
	st.Jitter = percentiles(&sum)
	return st, true
}
