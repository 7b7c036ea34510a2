package gateway

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

var (
	// ErrIncompleteDialURL reports a URL without a scheme, version or encoding.
	ErrIncompleteDialURL = errors.New("gateway: incomplete url is missing one or many of: 'version', 'encoding', 'scheme'")

	// ErrURLScheme reports a URL that is neither ws nor wss.
	ErrURLScheme = errors.New("gateway: url scheme was not websocket (ws nor wss)")

	// ErrUnsupportedAPICodec reports an encoding other than json and etf.
	ErrUnsupportedAPICodec = fmt.Errorf("gateway: only %+v is supported as encoding", supportedEncodings)

	// ErrUnsupportedAPIVersion reports a version other than 9 and 10.
	ErrUnsupportedAPIVersion = fmt.Errorf("gateway: only discord api version %+v is supported", supportedVersions)

	// ErrUnsupportedCompression reports a transport compression other than zlib-stream and zstd-stream.
	ErrUnsupportedCompression = fmt.Errorf("gateway: only %+v is supported as transport compression", supportedCompressions)
)

var (
	supportedVersions     = []string{"9", "10"}
	supportedEncodings    = []string{"json", "etf"}
	supportedCompressions = []string{"zlib-stream", "zstd-stream"}
)

// DefaultURL is the address of Discord's gateway. Bots should ask
// GET /gateway/bot for it, and may use this one without asking.
const DefaultURL = "wss://gateway.discord.gg/?v=10&encoding=json"

// ValidateDialURL checks a URL for connecting to a gateway and returns its
// normal form: with a path, and the query in order.
//
// https://discord.com/developers/docs/events/gateway#connecting-gateway-url-query-string-params
func ValidateDialURL(URLString string) (string, error) {
	u, err := url.Parse(URLString)
	if err != nil {
		return "", fmt.Errorf("gateway: dial url: %w", err)
	}
	q := u.Query()
	switch {
	case u.Scheme == "" || u.Host == "" || q.Get("v") == "" || q.Get("encoding") == "":
		return "", ErrIncompleteDialURL
	case u.Scheme != "ws" && u.Scheme != "wss":
		return "", ErrURLScheme
	case !slices.Contains(supportedVersions, q.Get("v")):
		return "", ErrUnsupportedAPIVersion
	case !slices.Contains(supportedEncodings, q.Get("encoding")):
		return "", ErrUnsupportedAPICodec
	case q.Has("compress") && !slices.Contains(supportedCompressions, q.Get("compress")):
		return "", ErrUnsupportedCompression
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// DeriveShardID returns the shard that a guild belongs to, zero if there are
// no shards at all. Direct messages are on shard 0.
//
// https://discord.com/developers/docs/events/gateway#sharding
func DeriveShardID(snowflake uint64, totalNumberOfShards uint) ShardID {
	if totalNumberOfShards == 0 {
		return 0
	}
	return ShardID((snowflake >> 22) % uint64(totalNumberOfShards))
}

// DialURL returns the URL to connect to: Discord's resume URL when there is a
// session to resume, otherwise the URL of [WithURL]; with the version of that
// URL, and the encoding and compression of the state.
func (s *GatewayState) DialURL() string {
	if s.HaveSessionID() && s.resumeURL != "" {
		return s.urlFor(s.resumeURL)
	}
	return s.URL()
}

// URL is DialURL without the resume URL: where to connect when resuming there fails.
func (s *GatewayState) URL() string { return s.urlFor(s.url) }

// urlFor returns base with the query parameters of this state.
func (s *GatewayState) urlFor(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return s.url
	}
	q := u.Query()
	q.Set("v", strconv.Itoa(s.version))
	q.Set("encoding", "json")
	if s.codec != nil {
		q.Set("encoding", s.codec.Name())
	}
	q.Del("compress")
	if s.compression != "" {
		q.Set("compress", s.compression)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery = q.Encode()
	return u.String()
}
