package gateway

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// ErrURLRefused is matched by every error of [JudgeURL].
var ErrURLRefused = errors.New("gateway: url refused")

// JudgeURL reports whether a client that was configured with one gateway URL
// may send its token to another one, which came from a peer: the
// resume_gateway_url of READY, the url of GET /gateway/bot, or a URL that was
// kept in a store. The error is nil if it may. Otherwise it matches
// [ErrURLRefused] and says why, without any secret that the URLs hold.
//
// The rules:
//   - the scheme is ws or wss, and never ws if that of configured is wss;
//   - the host is the same, or below the same registrable domain, such as
//     discord.gg (by the public suffix list, https://publicsuffix.org), or one
//     of hosts, see [WithResumeHosts];
//   - an IP address must be the same address. Ports are not compared;
//   - there is no user name, and the URL has at most 2048 bytes.
func JudgeURL(candidate, configured string, hosts ...string) error {
	if len(candidate) > maxResumeURL {
		return fmt.Errorf("%w: it has %d bytes, over %d", ErrURLRefused, len(candidate), maxResumeURL)
	}
	u, err := url.Parse(candidate)
	if err != nil {
		return fmt.Errorf("%w: it cannot be parsed", ErrURLRefused)
	}
	c, err := url.Parse(configured)
	if err != nil {
		return fmt.Errorf("%w: the configured url cannot be parsed", ErrURLRefused)
	}
	switch {
	case u.Scheme != "ws" && u.Scheme != "wss":
		return fmt.Errorf("%w: the scheme of %q is neither ws nor wss", ErrURLRefused, shownURL(u))
	case u.Hostname() == "":
		return fmt.Errorf("%w: %q has no host", ErrURLRefused, shownURL(u))
	case u.User != nil:
		return fmt.Errorf("%w: %q names a user", ErrURLRefused, shownURL(u))
	case u.Scheme == "ws" && c.Scheme == "wss":
		return fmt.Errorf("%w: %q is not encrypted, the configured url is", ErrURLRefused, shownURL(u))
	}
	host := canonicalHost(u.Hostname())
	if sameSite(host, canonicalHost(c.Hostname())) || slices.ContainsFunc(hosts, func(pattern string) bool { return hostMatches(host, pattern) }) {
		return nil
	}
	return fmt.Errorf("%w: the host of %q does not belong to %q, nor to the hosts that were allowed", ErrURLRefused, shownURL(u), c.Host)
}

// canonicalHost returns host as it is compared: in lower case, without the dot
// at the end of a full name.
func canonicalHost(host string) string {
	return strings.TrimSuffix(strings.ToLower(host), ".")
}

// sameSite reports whether two hosts are the same, or names below one
// registrable domain.
func sameSite(a, b string) bool {
	if a == b {
		return a != ""
	}
	if numericHost(a) || numericHost(b) {
		x, errX := netip.ParseAddr(a)
		y, errY := netip.ParseAddr(b)
		return errX == nil && errY == nil && x == y
	}
	x, errX := publicsuffix.EffectiveTLDPlusOne(a)
	y, errY := publicsuffix.EffectiveTLDPlusOne(b)
	return errX == nil && errY == nil && x == y
}

// numericHost reports whether host is an IP address, or would be taken for one
// by some resolver: its last label is a number, as in 127.1 or 0x7f000001.
func numericHost(host string) bool {
	if strings.Contains(host, ":") {
		return true
	}
	_, err := strconv.ParseUint(host[strings.LastIndexByte(host, '.')+1:], 0, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// hostMatches reports whether host is what pattern names: itself, or for a
// pattern that starts with "*." every name below the rest.
func hostMatches(host, pattern string) bool {
	pattern = canonicalHost(pattern)
	if below, ok := strings.CutPrefix(pattern, "*"); ok {
		return strings.HasSuffix(host, below) && len(host) > len(below)
	}
	return host == pattern
}

// WithResumeHosts names more hosts to which a session may be resumed than
// [JudgeURL] allows by itself: host names or IP addresses, without a port.
// "*.example.com" names every host below example.com. A resume URL without
// encryption is never used if the URL of [WithURL] has it, whatever its host.
func WithResumeHosts(hosts ...string) Option {
	return func(s *GatewayState) error {
		for _, h := range hosts {
			if err := checkHostPattern(h); err != nil {
				return err
			}
		}
		s.resumeHosts = append(s.resumeHosts[:len(s.resumeHosts):len(s.resumeHosts)], hosts...)
		return nil
	}
}

func checkHostPattern(pattern string) error {
	if _, err := netip.ParseAddr(pattern); err == nil {
		return nil
	}
	name := strings.TrimPrefix(pattern, "*.")
	if name == "" || strings.ContainsAny(name, "*/:@?#[]% \t\r\n") {
		return fmt.Errorf("gateway: resume host %q is neither a host name, nor an IP address, nor of the form *.example.com", pattern)
	}
	return nil
}

// ResumeURLRefused returns why the resume URL of the session is not used, nil
// if it is, or if there is none. The session is then resumed through the
// ordinary URL. The error matches [ErrURLRefused]. The state does not log: its
// owner should, once for each session.
func (s *GatewayState) ResumeURLRefused() error { return s.resumeRefused }

// resumeAt judges a resume URL and remembers it, or why it is refused.
func (s *GatewayState) resumeAt(raw string) {
	s.resumeURL, s.resumeRefused = raw, nil
	if raw == "" {
		return
	}
	if err := JudgeURL(raw, s.url, s.resumeHosts...); err != nil {
		s.resumeURL, s.resumeRefused = "", err
	}
}
