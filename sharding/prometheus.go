package sharding

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/discordpkg/gateway/gatewayshard"
)

// MetricsHandler serves [Group.Stats] as text, in the format that Prometheus
// reads. Names start with gateway_; shards have the label shard. Neither tokens
// nor session ids are in it.
func (g *Group) MetricsHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_ = writeMetrics(w, g.Stats()) // the client is gone if this fails
	})
}

// WriteMetrics writes the numbers of several groups of one process as one page, in
// the format of [Group.MetricsHandler]: the groups run different shards of one bot.
func WriteMetrics(w io.Writer, groups ...*Group) error {
	stats := make([]GroupStats, len(groups))
	for i, g := range groups {
		stats[i] = g.Stats()
	}
	return writeMetrics(w, MergeStats(stats...))
}

// A metric is one number of each shard.
type metric struct {
	name, kind, help string
	value            func(*ShardStats) float64
}

var shardMetrics = []metric{
	{"events_total", "counter", "Dispatches received.", func(s *ShardStats) float64 { return float64(s.Events) }},
	{"events_handled_total", "counter", "Events that handlers were called with.", func(s *ShardStats) float64 { return float64(s.Handled) }},
	{"events_replayed_total", "counter", "Events handled that a former process may have seen.", func(s *ShardStats) float64 { return float64(s.Replayed) }},
	{"events_dropped_total", "counter", "Events that a full queue dropped.", func(s *ShardStats) float64 { return float64(s.Dropped) }},
	{"events_missed_total", "counter", "Events that Discord left out of replays.", func(s *ShardStats) float64 { return float64(s.Missed) }},
	{"handler_errors_total", "counter", "Events whose handler returned an error.", func(s *ShardStats) float64 { return float64(s.HandlerErrors) }},
	{"queued_events", "gauge", "Events that wait for the handler.", func(s *ShardStats) float64 { return float64(s.Queued) }},
	{"received_bytes_total", "counter", "Bytes of websocket frames received.", func(s *ShardStats) float64 { return float64(s.BytesIn) }},
	{"sent_bytes_total", "counter", "Bytes of websocket frames sent.", func(s *ShardStats) float64 { return float64(s.BytesOut) }},
	{"connections_total", "counter", "Connections opened.", func(s *ShardStats) float64 { return float64(s.Connections) }},
	{"identifies_total", "counter", "Sessions started.", func(s *ShardStats) float64 { return float64(s.Identifies) }},
	{"resumes_total", "counter", "Sessions resumed.", func(s *ShardStats) float64 { return float64(s.Resumes) }},
	{"sessions_abandoned_total", "counter", "Sessions given up because they could not be read.", func(s *ShardStats) float64 { return float64(s.Abandoned) }},
	{"last_close_code", "gauge", "Last close code of Discord.", func(s *ShardStats) float64 { return float64(s.LastClose) }},
	{"sequence", "gauge", "Last sequence number received.", func(s *ShardStats) float64 { return float64(s.Seq) }},
	{"acknowledged_sequence", "gauge", "Sequence number up to which everything is dealt with.", func(s *ShardStats) float64 { return float64(s.Acknowledged) }},
	{"latency_seconds", "gauge", "Last heartbeat round trip.", func(s *ShardStats) float64 { return s.Latency.Seconds() }},
}

func writeMetrics(w io.Writer, s GroupStats) error {
	b := bufio.NewWriter(w)
	for _, m := range shardMetrics {
		head(b, "shard_"+m.name, m.kind, m.help)
		for i := range s.Shards {
			fmt.Fprintf(b, "gateway_shard_%s{shard=\"%d\"} %s\n", m.name, s.Shards[i].ID, number(m.value(&s.Shards[i])))
		}
	}
	writeGroup(b, s)
	writeLatency(b, s.Latency)
	return b.Flush()
}

func head(w io.Writer, name, kind, help string) {
	fmt.Fprintf(w, "# HELP gateway_%s %s\n# TYPE gateway_%s %s\n", name, help, name, kind)
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func writeGroup(w io.Writer, s GroupStats) {
	head(w, "shards", "gauge", "Shards of this process by what they are doing.")
	for p := gatewayshard.Disconnected; p <= gatewayshard.Closed; p++ {
		fmt.Fprintf(w, "gateway_shards{phase=%q} %d\n", p, s.Phases[p])
	}
	gauge := func(name, help string, v float64) {
		head(w, name, "gauge", help)
		fmt.Fprintf(w, "gateway_%s %s\n", name, number(v))
	}
	gauge("shard_count", "Shard count of the bot.", float64(s.Total))
	gauge("identify_waiting_shards", "Shards that have to identify.", float64(s.Waiting))
	if s.StartsKnown {
		gauge("session_starts_left", "Session starts left for today.", float64(s.StartsLeft))
	}
	if !s.Checkpoint.IsZero() {
		gauge("checkpoint_timestamp_seconds", "When the sessions were saved last.", float64(s.Checkpoint.UnixMilli())/1e3)
	}
	head(w, "failed_saves_total", "counter", "Attempts to save the sessions that failed.")
	fmt.Fprintf(w, "gateway_failed_saves_total %d\n", s.FailedSaves)
	gauge("checkpoint_failed", "Whether the last attempt to save the sessions failed.", truth(s.CheckpointError != nil))
	gauge("resharding", "Whether the shard count is being changed.", truth(s.Resharding))
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func writeLatency(w io.Writer, h LatencyHistogram) {
	head(w, "latency_seconds", "histogram", "Heartbeat round trips of all shards.")
	for _, b := range h.Buckets {
		fmt.Fprintf(w, "gateway_latency_seconds_bucket{le=\"%s\"} %d\n", number(b.Bound.Seconds()), b.Count)
	}
	fmt.Fprintf(w, "gateway_latency_seconds_bucket{le=\"+Inf\"} %d\ngateway_latency_seconds_sum %s\ngateway_latency_seconds_count %d\n",
		h.Count, number(h.Sum.Seconds()), h.Count)
}
