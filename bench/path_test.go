package bench_test

import (
	"encoding/json"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/bench/mix"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/event"
)

// dispatches returns a part of the mix.
func dispatches(b *testing.B) (all [][]byte) {
	b.Helper()
	for msg := range mix.Dispatches(1, 2, 10_000) {
		all = append(all, slices.Clone(msg))
	}
	return all
}

// discord writes External Term Format like Discord.
var discord = etf.Codec{AtomKeys: true, IntegerIDs: true}

// An encoding is one way over the wire.
type encoding struct {
	name    string
	encode  func(json []byte) ([]byte, error)
	options []gateway.Option
}

var encodings = []encoding{
	{"json", func(json []byte) ([]byte, error) { return json, nil }, nil},
	{"etf", func(json []byte) ([]byte, error) { return discord.AppendWire(nil, json) }, []gateway.Option{gateway.WithEncoding(etf.Codec{})}},
}

// wire encodes messages, each into memory of its own size: what lies further
// apart takes longer to load.
func (e encoding) wire(b *testing.B, messages ...[]byte) [][]byte {
	b.Helper()
	all := make([][]byte, len(messages))
	for i, msg := range messages {
		encoded, err := e.encode(msg)
		if err != nil {
			b.Fatal(err)
		}
		all[i] = slices.Clone(encoded)
	}
	return all
}

// state returns one that has seen Hello and READY.
func (e encoding) state(b *testing.B, events []event.Type) *gateway.GatewayState {
	b.Helper()
	options := append([]gateway.Option{gateway.WithEvents(events...)}, e.options...)
	s, err := gateway.NewGatewayState("token", options...)
	if err != nil {
		b.Fatal(err)
	}
	for _, msg := range e.wire(b,
		[]byte(`{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":41250}}`),
		[]byte(`{"t":"READY","s":1,"op":0,"d":{"v":10,"session_id":"bench","resume_gateway_url":"wss://gateway.discord.gg"}}`),
	) {
		if _, _, err := s.ProcessMessage(msg, io.Discard, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	return s
}

// everything is all events of the mix.
func everything() (all []event.Type) {
	for _, name := range mix.Names() {
		all = append(all, event.Type(name))
	}
	return all
}

// BenchmarkPath is all that the state does with an event, of the mix, wanted
// or not.
func BenchmarkPath(b *testing.B) {
	for _, e := range encodings {
		b.Run("encoding="+e.name+"/wanted=all", func(b *testing.B) { e.benchmark(b, everything()) })
		b.Run("encoding="+e.name+"/wanted=none", func(b *testing.B) { e.benchmark(b, nil) })
	}
}

func (e encoding) benchmark(b *testing.B, wanted []event.Type) {
	messages := dispatches(b)
	encoded := e.wire(b, messages...)
	b.SetBytes(mean(messages))
	b.ReportAllocs()
	s := e.state(b, wanted)
	for i := 0; b.Loop(); i++ {
		if i == len(encoded) { // a session does not start again at its first event
			b.StopTimer()
			s, i = e.state(b, wanted), 0
			b.StartTimer()
		}
		if _, _, err := s.ProcessMessage(encoded[i], io.Discard, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRatio puts ETF beside JSON. Both take the same events, some hundred
// at a time in turns, so that what else the machine does befalls both. The ratio
// of their times is the median over the turns.
func BenchmarkRatio(b *testing.B) {
	b.Run("wanted=all", func(b *testing.B) { ratio(b, everything()) })
	b.Run("wanted=none", func(b *testing.B) { ratio(b, nil) })
}

func ratio(b *testing.B, wanted []event.Type) {
	const turn = 500
	messages := dispatches(b)
	text, terms := encodings[0].wire(b, messages...), encodings[1].wire(b, messages...)
	var ratios []float64
	for b.Loop() {
		plain, coded := encodings[0].state(b, wanted), encodings[1].state(b, wanted)
		for i := 0; i < len(messages); i += turn {
			base := process(b, plain, text[i:i+turn])
			ratios = append(ratios, float64(process(b, coded, terms[i:i+turn]))/float64(base))
		}
	}
	slices.Sort(ratios)
	b.ReportMetric(ratios[len(ratios)/2], "etf/json")
	b.ReportMetric(0, "ns/op") // that of a loop says nothing
}

// process returns how long a state takes for messages.
func process(b *testing.B, s *gateway.GatewayState, messages [][]byte) time.Duration {
	b.Helper()
	start := time.Now()
	for _, msg := range messages {
		if _, _, err := s.ProcessMessage(msg, io.Discard, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(start)
}

// BenchmarkEnvelope is what a library does that leaves the envelope to
// encoding/json: the very least, without looking into "d".
func BenchmarkEnvelope(b *testing.B) {
	messages := dispatches(b)
	b.SetBytes(mean(messages))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var envelope struct {
			Op int             `json:"op"`
			S  int64           `json:"s"`
			T  string          `json:"t"`
			D  json.RawMessage `json:"d"`
		}
		if err := json.Unmarshal(messages[i%len(messages)], &envelope); err != nil {
			b.Fatal(err)
		}
	}
}

// mean returns how many bytes of JSON an event has, for rates that compare.
func mean(messages [][]byte) int64 {
	n := 0
	for _, msg := range messages {
		n += len(msg)
	}
	return int64(n / len(messages))
}
