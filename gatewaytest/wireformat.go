package gatewaytest

import (
	"errors"

	"github.com/discordpkg/gateway/compress"
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

var errNoOpcode = errors.New("gatewaytest: message without op")

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
