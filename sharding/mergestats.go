package sharding

import (
	"slices"

	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/internal/deadline"
)

// MergeStats returns the statistics of groups that run different shards of one
// bot as those of one group. Of session starts, which all groups share, the
// smallest number that one of them knows is taken; of checkpoints the oldest.
func MergeStats(all ...GroupStats) GroupStats {
	m := GroupStats{Phases: make(map[gatewayshard.Phase]int)}
	for i := range all {
		s := &all[i]
		m.Total = max(m.Total, s.Total)
		for j := range s.Shards {
			m.add(&s.Shards[j])
		}
		m.Shards = append(m.Shards, s.Shards...)
		m.Latency = m.Latency.merge(s.Latency)
		m.Waiting += s.Waiting
		m.WaitingUntil = deadline.Latest(m.WaitingUntil, s.WaitingUntil)
		m.LimitedUntil = deadline.Latest(m.LimitedUntil, s.LimitedUntil)
		m.mergeStarts(s)
		m.Checkpoint = deadline.Earliest(m.Checkpoint, s.Checkpoint)
		if m.CheckpointError == nil {
			m.CheckpointError = s.CheckpointError
		}
		m.FailedSaves += s.FailedSaves
		m.Resharding = m.Resharding || s.Resharding
	}
	slices.SortStableFunc(m.Shards, func(a, b ShardStats) int { return int(a.ID) - int(b.ID) })
	return m
}

func (s *GroupStats) mergeStarts(other *GroupStats) {
	if other.StartsKnown && (!s.StartsKnown || other.StartsLeft < s.StartsLeft) {
		s.StartsKnown, s.StartsLeft, s.StartsResetAt = true, other.StartsLeft, other.StartsResetAt
	}
}

// merge returns the histogram of what both have counted. One of them may be zero.
func (h LatencyHistogram) merge(other LatencyHistogram) LatencyHistogram {
	m := LatencyHistogram{Count: h.Count + other.Count, Sum: h.Sum + other.Sum}
	longer := h.Buckets
	if len(other.Buckets) > len(longer) {
		longer = other.Buckets
	}
	for i, b := range longer {
		n := uint64(0)
		for _, from := range [...][]LatencyBucket{h.Buckets, other.Buckets} {
			if i < len(from) {
				n += from[i].Count
			}
		}
		m.Buckets = append(m.Buckets, LatencyBucket{b.Bound, n})
	}
	return m
}
