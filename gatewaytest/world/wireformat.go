package world

import (
	"errors"

	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/etf"
	"github.com/discordpkg/gateway/internal/wire"
)

// Params are the query parameters of the URL that a client connects to.
//
// https://discord.com/developers/docs/events/gateway#connecting-gateway-url-query-string-params
type Params struct {
	Version  string // v: "9" or "10"
	Encoding string // encoding: "json" or "etf"
	Compress string // compress: "", "zlib-stream" or "zstd-stream"
}

// An encoder is an encoding parameter at work.
type encoder interface {
	// binary tells the kind of the frames.
	binary() bool

	// encode returns the wire form of a message given as JSON, in a fresh
	// slice or in json itself.
	encode(json []byte) ([]byte, error)

	// decode finds the parts of a client's message, data as JSON.
	decode(msg []byte) (op uint, data []byte, err error)
}

// A compressor makes messages of the inside of one stream, or of each alone.
type compressor interface {
	Compress(dst, src []byte) ([]byte, error)
}

// newEncoder returns nil for an encoding that does not exist.
func newEncoder(encoding string) encoder {
	switch encoding {
	case "json":
		return jsonEncoder{}
	case "etf":
		return etfEncoder{etf.Codec{AtomKeys: true, IntegerIDs: true}}
	}
	return nil
}

// newCompressor returns false for a compression that does not exist.
func newCompressor(compression string) (c compressor, ok bool) {
	switch compression {
	case "":
		return nil, true
	case "zlib-stream":
		return compress.NewZlibStreamWriter(), true
	case "zstd-stream":
		return compress.NewZstdStreamWriter(), true
	}
	return nil, false
}

type jsonEncoder struct{}

func (jsonEncoder) binary() bool { return false }

func (jsonEncoder) encode(json []byte) ([]byte, error) { return json, nil }

var errNoOpcode = errors.New("world: message without op")

func (jsonEncoder) decode(msg []byte) (op uint, data []byte, err error) {
	var env wire.Envelope
	if err := env.Unmarshal(msg); err != nil {
		return 0, nil, err
	}
	if !env.HasOp {
		return 0, nil, errNoOpcode
	}
	return env.Op, env.Data, nil
}

// An etfEncoder writes what Discord does: keys as atoms, ids as integers.
type etfEncoder struct{ codec etf.Codec }

func (etfEncoder) binary() bool { return true }

func (e etfEncoder) encode(json []byte) ([]byte, error) { return e.codec.AppendWire(nil, json) }

var errAtomKeys = errors.New("world: keys are atoms")

func (e etfEncoder) decode(msg []byte) (op uint, data []byte, err error) {
	if hasAtomKey(msg) {
		return 0, nil, errAtomKeys
	}
	op, _, _, term, err := e.codec.Split(msg)
	if err != nil || term == nil {
		return op, nil, err
	}
	data, err = e.codec.AppendJSON(nil, term, 6*len(term)) // which is more than it takes
	return op, data, err
}

// hasAtomKey looks at the first key of a message. Discord accepts only
// binaries there.
//
// https://discord.com/developers/docs/events/gateway#using-etf-encoding
func hasAtomKey(msg []byte) bool {
	const firstKey = 6 // behind version, map and its length
	if len(msg) <= firstKey {
		return false
	}
	switch msg[firstKey] {
	case 100, 115, 118, 119:
		return true
	}
	return false
}
