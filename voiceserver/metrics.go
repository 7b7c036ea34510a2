package voiceserver

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// MetricsHandler serves [Server.Stats] as text, in the format that Prometheus
// reads. Names start with voiceserver_; those about backends have the label
// backend. Neither tokens nor ids are in it.
func (s *Server) MetricsHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		b := bufio.NewWriter(w)
		s.writeMetrics(b)
		_ = b.Flush() // the client is gone if this fails
	})
}

// A metric is one number of a server.
type metric struct {
	name, kind, help string
	value            func(*Stats) float64
}

var metrics = []metric{
	{"connections", "gauge", "Voice connections.", func(s *Stats) float64 { return float64(s.Open) }},
	{"connections_total", "counter", "Voice connections accepted.", func(s *Stats) float64 { return float64(s.Connections) }},
	{"members", "gauge", "Users in voice channels.", func(s *Stats) float64 { return float64(s.Members) }},
	{"channels", "gauge", "Voice channels with members.", func(s *Stats) float64 { return float64(s.Channels) }},
	{"sessions", "gauge", "Voice sessions, connected or not.", func(s *Stats) float64 { return float64(s.Sessions) }},
	{"identifies_total", "counter", "Sessions started.", func(s *Stats) float64 { return float64(s.Identifies) }},
	{"resumes_total", "counter", "Sessions resumed.", func(s *Stats) float64 { return float64(s.Resumes) }},
	{"messages_received_total", "counter", "Websocket messages received.", func(s *Stats) float64 { return float64(s.Messages) }},
	{"messages_sent_total", "counter", "Numbered websocket messages sent.", func(s *Stats) float64 { return float64(s.Sent) }},
	{"messages_replayed_total", "counter", "Messages sent once more.", func(s *Stats) float64 { return float64(s.Replayed) }},
	{"violations_total", "counter", "Rules broken by clients.", func(s *Stats) float64 { return float64(s.Violations) }},
	{"packets_received_total", "counter", "Datagrams received.", func(s *Stats) float64 { return float64(s.Relay.Received) }},
	{"packets_forwarded_total", "counter", "Copies of packets sent on.", func(s *Stats) float64 { return float64(s.Relay.Forwarded) }},
}

// dropped are the reasons why datagrams go no further.
var dropped = []struct {
	why   string
	value func(*RelayStats) uint64
}{
	{"unknown", func(r *RelayStats) uint64 { return r.Unknown }},
	{"too large", func(r *RelayStats) uint64 { return r.TooLarge }},
	{"rtcp", func(r *RelayStats) uint64 { return r.RTCP }},
	{"forged", func(r *RelayStats) uint64 { return r.Forged }},
	{"repeated", func(r *RelayStats) uint64 { return r.Repeated }},
	{"limited", func(r *RelayStats) uint64 { return r.Limited }},
	{"muted", func(r *RelayStats) uint64 { return r.Muted }},
	{"encrypted", func(r *RelayStats) uint64 { return r.Encrypted }},
	{"unconfirmed", func(r *RelayStats) uint64 { return r.Unconfirmed }},
}

func (s *Server) writeMetrics(w io.Writer) {
	stats := s.Stats()
	for _, m := range metrics {
		metricHead(w, m.name, m.kind, m.help)
		fmt.Fprintf(w, "voiceserver_%s %s\n", m.name, metricNumber(m.value(&stats)))
	}
	metricHead(w, "packets_dropped_total", "counter", "Datagrams that were not sent on, by reason.")
	for _, d := range dropped {
		fmt.Fprintf(w, "voiceserver_packets_dropped_total{reason=%q} %d\n", d.why, d.value(&stats.Relay))
	}
	metricHead(w, "closes_total", "counter", "Close frames sent, by code.")
	for _, code := range slices.Sorted(maps.Keys(stats.Closes)) {
		fmt.Fprintf(w, "voiceserver_closes_total{code=\"%d\"} %d\n", code, stats.Closes[code])
	}
	s.mu.Lock()
	backends := s.lvsp
	s.mu.Unlock()
	if backends != nil {
		backends.writeMetrics(w)
	}
}

func (v *LVSP) writeMetrics(w io.Writer) {
	v.mu.Lock()
	health := v.load.health(time.Now(), v.srv)
	links, states := make(map[string]int), make(map[string]int)
	for link := range v.links {
		name, _, _ := link.Backend()
		links[name]++
	}
	for _, st := range v.machine.VoiceStates() {
		states[st.Backend]++
	}
	v.mu.Unlock()
	metricHead(w, "health", "gauge", "What backends are told: from 0, full, to 1, idle.")
	fmt.Fprintf(w, "voiceserver_health %s\n", metricNumber(health))
	metricOf(w, "backend_links", "Links with backends; those without a name have not identified themselves.", links)
	metricOf(w, "backend_voice_states", "Users that backends want in voice channels.", states)
}

func metricOf(w io.Writer, name, help string, of map[string]int) {
	metricHead(w, name, "gauge", help)
	for _, k := range slices.Sorted(maps.Keys(of)) {
		fmt.Fprintf(w, "voiceserver_%s{backend=%q} %d\n", name, k, of[k])
	}
}

func metricHead(w io.Writer, name, kind, help string) {
	fmt.Fprintf(w, "# HELP voiceserver_%s %s\n# TYPE voiceserver_%s %s\n", name, help, name, kind)
}

func metricNumber(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
