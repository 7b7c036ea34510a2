package gateway

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Errors of [ValidateDialURL] and [WithURL]. The error that is returned wraps
// one of them, says which part is wrong, and shows the URL without user name,
// password and foreign query parameters.
var (
	// ErrIncompleteDialURL reports a URL without a scheme, host, version or encoding.
	ErrIncompleteDialURL = errors.New("gateway: incomplete url")

	// ErrURLScheme reports a URL that is neither ws nor wss.
	ErrURLScheme = errors.New("gateway: url scheme is neither ws nor wss")

	// ErrUnsupportedAPICodec reports an encoding other than json and etf.
	ErrUnsupportedAPICodec = errors.New("gateway: unsupported encoding")

	// ErrUnsupportedAPIVersion reports a version other than 9 and 10.
	ErrUnsupportedAPIVersion = errors.New("gateway: unsupported api version")

	// ErrUnsupportedCompression reports a transport compression other than zlib-stream and zstd-stream.
	ErrUnsupportedCompression = errors.New("gateway: unsupported transport compression")
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
		return "", errors.New("gateway: dial url cannot be parsed") // the cause quotes the url, and what it may hold
	}
	q := u.Query()
	if missing := missingParts(u, q); missing != "" {
		return "", fmt.Errorf("%w: %q has no %s", ErrIncompleteDialURL, shownURL(u), missing)
	}
	switch {
	case u.Scheme != "ws" && u.Scheme != "wss":
		err = fmt.Errorf("%w: %q", ErrURLScheme, shownURL(u))
	case !slices.Contains(supportedVersions, q.Get("v")):
		err = fmt.Errorf("%w: %q has v=%s, want one of %v", ErrUnsupportedAPIVersion, shownURL(u), q.Get("v"), supportedVersions)
	case !slices.Contains(supportedEncodings, q.Get("encoding")):
		err = fmt.Errorf("%w: %q has encoding=%s, want one of %v", ErrUnsupportedAPICodec, shownURL(u), q.Get("encoding"), supportedEncodings)
	case q.Has("compress") && !slices.Contains(supportedCompressions, q.Get("compress")):
		err = fmt.Errorf("%w: %q has compress=%s, want one of %v, or nothing", ErrUnsupportedCompression, shownURL(u), q.Get("compress"), supportedCompressions)
	}
	if err != nil {
		return "", err
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// missingParts lists what a dial URL lacks, each with what to add.
func missingParts(u *url.URL, q url.Values) string {
	var missing []string
	if u.Scheme == "" {
		missing = append(missing, "scheme (start it with wss://)")
	}
	if u.Host == "" {
		missing = append(missing, "host")
	}
	if q.Get("v") == "" {
		missing = append(missing, "version (add v=10)")
	}
	if q.Get("encoding") == "" {
		missing = append(missing, "encoding (add encoding=json)")
	}
	return strings.Join(missing, ", no ")
}

// shownURL returns u as it may stand in an error or a log: without user name
// and password, without the fragment, and of the query only what the gateway
// knows. Names of other parameters are left out, too.
func shownURL(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	q := u.Query()
	for name := range q {
		if name != "v" && name != "encoding" && name != "compress" {
			delete(q, name)
		}
	}
	shown.RawQuery = q.Encode()
	return shown.String()
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
