package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/gobwas/ws"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/discordpkg/gateway/bench/mix"
	"github.com/discordpkg/gateway/etf"
)

// Mark is the event that tells a client where to begin and to end measuring.
const Mark = "USER_UPDATE"

// A Plan says what a connection receives after READY: a warm-up, a mark,
// events, and a mark.
type Plan struct {
	Seed      uint64
	Guilds    int // GUILD_CREATE before anything else
	WarmUp    int
	Events    int
	Heartbeat int // interval in ms
}

// Frames returns how many websocket messages a client receives up to the
// mark where measuring begins, Hello and READY included.
func (p Plan) Frames() int { return 2 + p.Guilds + p.WarmUp + 1 }

// acks is how many heartbeats a connection answers. A compressed stream
// cannot be written twice, so they are made in advance, too.
const acks = 64

// A script is all that a connection will receive, as bytes of the wire.
type script struct {
	hello []byte
	body  []byte // everything from READY to the last mark
	acks  [][]byte
}

// A Wire is one way to encode and compress, as in the URL of a gateway. The
// compression "payload" is that of the identify command.
type Wire struct {
	Encoding string
	Compress string
}

// write makes the script of a plan.
func (w Wire) write(p Plan) (s script, err error) {
	press, err := newPress(w)
	if err != nil {
		return s, err
	}
	add := func(dst []byte, msg []byte) []byte {
		if err != nil {
			return dst
		}
		dst, err = press.frame(dst, msg)
		return dst
	}
	seq := uint64(1)
	s.hello = add(nil, fmt.Appendf(nil, `{"t":null,"s":null,"op":10,"d":{"heartbeat_interval":%d,"_trace":["[\"local\"]"]}}`, p.Heartbeat))
	s.body = add(nil, ready)
	for range p.Guilds {
		seq++
		s.body = add(s.body, mix.GuildCreate(p.Seed+seq, seq))
	}
	stretch := func(n int) {
		for msg := range mix.Dispatches(p.Seed, seq+1, n) {
			s.body = add(s.body, msg)
		}
		seq += uint64(n) + 1
		s.body = add(s.body, fmt.Appendf(nil, `{"t":"%s","s":%d,"op":0,"d":%s}`, Mark, seq, bot))
	}
	stretch(p.WarmUp)
	stretch(p.Events)
	for range acks {
		s.acks = append(s.acks, add(nil, []byte(`{"t":null,"s":null,"op":11,"d":null}`)))
	}
	return s, err
}

const bot = `{"id":"1100000000000000042","username":"bench","global_name":null,"avatar":null,"discriminator":"0","bot":true,` +
	`"verified":true,"mfa_enabled":false,"flags":0,"email":null}`

var ready = []byte(`{"t":"READY","s":1,"op":0,"d":{"v":10,"user_settings":{},"user":` + bot +
	`,"session_type":"normal","session_id":"0123456789abcdef0123456789abcdef","resume_gateway_url":"wss://gateway.invalid",` +
	`"relationships":[],"private_channels":[],"presences":[],"guilds":[],"guild_join_requests":[],"geo_ordered_rtc_regions":[],` +
	`"auth":{},"application":{"id":"1100000000000000042","flags":0},"_trace":[]}}`)

// A press turns messages into frames.
type press struct {
	wire   Wire
	out    bytes.Buffer
	stream flusher // nil without stream compression
	binary bool
	etf    []byte
}

type flusher interface {
	io.Writer
	Flush() error
}

// window is that of the frames Discord sends.
const window = 256 << 10

func newPress(w Wire) (*press, error) {
	p := &press{wire: w, binary: w.Encoding == "etf" || w.Compress != ""}
	var err error
	switch w.Compress {
	case "", "payload":
	case "zlib-stream":
		p.stream = zlib.NewWriter(&p.out)
	case "zstd-stream":
		p.stream, err = zstd.NewWriter(&p.out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	default:
		err = fmt.Errorf("feed: unknown compression %q", w.Compress)
	}
	if w.Encoding != "json" && w.Encoding != "etf" {
		err = fmt.Errorf("feed: unknown encoding %q", w.Encoding)
	}
	return p, err
}

// discord writes External Term Format the way Discord does.
var discord = etf.Codec{AtomKeys: true, IntegerIDs: true}

// frame appends a message as one unmasked frame.
func (p *press) frame(dst, msg []byte) ([]byte, error) {
	opcode, msg, err := p.press(msg)
	if err != nil {
		return dst, err
	}
	head := bytes.NewBuffer(dst)
	err = ws.WriteHeader(head, ws.Header{Fin: true, OpCode: opcode, Length: int64(len(msg))})
	return append(head.Bytes(), msg...), err
}

// worth is the size from which on Discord compresses single messages.
const worth = 1 << 10

func (p *press) press(msg []byte) (ws.OpCode, []byte, error) {
	if p.wire.Encoding == "etf" {
		var err error
		if p.etf, err = discord.AppendWire(p.etf[:0], msg); err != nil {
			return 0, nil, fmt.Errorf("feed: %w", err)
		}
		msg = p.etf
	}
	p.out.Reset()
	switch {
	case p.stream != nil:
		if _, err := p.stream.Write(msg); err != nil {
			return 0, nil, err
		}
		err := p.stream.Flush()
		return ws.OpBinary, p.out.Bytes(), err
	case p.wire.Compress == "payload" && len(msg) >= worth:
		z := zlib.NewWriter(&p.out)
		if _, err := z.Write(msg); err != nil {
			return 0, nil, err
		}
		err := z.Close()
		return ws.OpBinary, p.out.Bytes(), err
	case p.binary && p.wire.Compress != "payload":
		return ws.OpBinary, msg, nil
	}
	return ws.OpText, msg, nil
}

// identifiesWith returns the wire that an identify command asks for.
func (w Wire) identifiesWith(msg []byte) (Wire, error) {
	var identify struct {
		D struct {
			Compress bool `json:"compress"`
		} `json:"d"`
	}
	if w.Encoding != "json" || w.Compress != "" {
		return w, nil
	}
	if err := json.Unmarshal(msg, &identify); err != nil {
		return w, fmt.Errorf("feed: identify: %w", err)
	}
	if identify.D.Compress {
		w.Compress = "payload"
	}
	return w, nil
}
