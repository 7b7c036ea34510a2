package main

import (
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/sharding"
)

// A display shows views, one after the other.
type display interface {
	period() time.Duration
	show(view)
	close()
}

// lines is the display for files and pipes: a line each second.
type lines struct{ log *slog.Logger }

func (lines) period() time.Duration { return time.Second }

func (lines) close() {}

func (l lines) show(v view) {
	sum := sumOf(v.shards)
	attrs := []any{
		"events", v.total.count,
		"per_second", math.Round(v.total.rate*10) / 10,
		"latency", sum.latency.Round(10 * time.Microsecond),
		"reconnects", sum.reconnects,
		"resumes", sum.resumes,
	}
	if len(v.shards) == 1 {
		attrs = append(attrs, "seq", v.shards[0].Seq, "phase", v.shards[0].Phase.String())
	} else {
		attrs = append(attrs, "active", fmt.Sprintf("%d/%d", sum.active, len(v.shards)),
			"queue", v.queued, "eta", v.eta.Round(100*time.Millisecond), "slowest", sum.slowest.Round(10*time.Microsecond))
	}
	l.log.Info("live", attrs...)
}

// A sum is all shards together.
type sum struct {
	active     int
	latency    time.Duration // the mean of those that know theirs
	slowest    time.Duration
	slow       gateway.ShardID // the shard with it
	reconnects uint64
	resumes    uint64
	identifies uint64
	bytesIn    uint64
}

func sumOf(shards []sharding.ShardStats) (s sum) {
	measured := 0
	for _, st := range shards {
		if st.Phase == gatewayshard.Active {
			s.active++
		}
		if st.Latency > 0 {
			s.latency += st.Latency
			measured++
		}
		if st.Latency > s.slowest {
			s.slowest, s.slow = st.Latency, st.ID
		}
		s.reconnects += st.Reconnects
		s.resumes += st.Resumes
		s.identifies += st.Identifies
		s.bytesIn += st.BytesIn
	}
	s.latency /= time.Duration(max(1, measured))
	return s
}
