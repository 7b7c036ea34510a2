package lifecycle

import (
	"errors"
	"net/url"
	"time"
)

// maxHosts bounds how many hosts are remembered.
const maxHosts = 256

// probeTime is after what time a shard that tries a host and says nothing of it
// counts as gone.
const probeTime = time.Minute

// Hosts remembers for all shards which hosts do not answer, or answer 5xx or
// 429. Such a host is left alone for a time, which doubles from Min to Max with
// each try that fails. Then one shard tries it, and the others go on waiting.
// One connection that is opened makes it a good host again.
//
// A host is any string; see [HostOf]. The zero Hosts knows nothing, and has its
// defaults. It is not safe for concurrent use.
type Hosts struct {
	Min time.Duration // zero: 1 s
	Max time.Duration // zero: 15 s

	now time.Time
	bad map[string]badHost
}

type badHost struct {
	failures int
	until    time.Time // no try before
	trying   bool      // shard tries it, until tryEnds
	shard    uint
	tryEnds  time.Time
}

// check returns an error if the times make no sense.
func (h *Hosts) check() error {
	if h.Min < 0 || h.Max < 0 || h.Max > 0 && h.Max < h.min() {
		return errors.New("lifecycle: the times for which hosts are left alone make no sense")
	}
	return nil
}

func (h *Hosts) min() time.Duration { return orDefault(h.Min, time.Second) }
func (h *Hosts) max() time.Duration { return orDefault(h.Max, max(15*time.Second, h.min())) }

// HostOf returns the part of a dial URL that answers or does not: scheme, host
// and path, without query. It is empty if dialURL cannot be parsed.
func HostOf(dialURL string) string {
	u, err := url.Parse(dialURL)
	if err != nil {
		return ""
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// A HostFailure is why no connection could be opened to a host.
type HostFailure struct {
	Status int // of the HTTP answer, zero if there was none

	// RetryAfter is how long the server asked to wait, see [RetryAfter]. More
	// than [MaxRetryAfter] is cut to it.
	RetryAfter time.Duration
}

// blames reports whether the host is to be left alone: other answers, 401 or
// 403 say, are those of a host that works.
func (f HostFailure) blames() bool {
	return f.Status == 0 || f.Status >= 500 || f.Status == 429 || f.RetryAfter > 0
}

// Take reports whether a shard may dial a host, or when to ask again. A shard
// that may dial a host which did not answer before tells how it went, with
// [Hosts.Failed] or [Hosts.Answered]. Random is in [0, 1).
func (h *Hosts) Take(now time.Time, host string, shard uint, random float64) (retryAt time.Time, ok bool) {
	h.advance(now)
	b, known := h.bad[host]
	switch {
	case !known, b.trying && b.shard == shard:
		return time.Time{}, true
	case h.now.Before(b.until):
		return b.until.Add(time.Duration(random * float64(h.min()))), false
	case b.trying && h.now.Before(b.tryEnds):
		return h.now.Add(h.wait(b.failures, random)), false
	}
	b.trying, b.shard, b.tryEnds = true, shard, h.now.Add(probeTime)
	h.bad[host] = b
	return time.Time{}, true
}

// Failed says that a shard could not open a connection to a host. Of the shards
// that dialed while the host was still a good one only the first counts. It
// reports whether the host is left alone now. Random is in [0, 1).
func (h *Hosts) Failed(now time.Time, host string, shard uint, f HostFailure, random float64) bool {
	h.advance(now)
	b, known := h.bad[host]
	if !f.blames() {
		if known && b.trying && b.shard == shard {
			delete(h.bad, host)
		}
		return false
	}
	if !known || b.trying && b.shard == shard {
		b.failures = min(b.failures+1, maxCount)
		b.until = h.now.Add(h.wait(b.failures, random))
		b.trying = false
	}
	if asked := min(f.RetryAfter, MaxRetryAfter); asked > 0 {
		if at := h.now.Add(asked + time.Duration(random*float64(asked/4))); at.After(b.until) {
			b.until = at
		}
	}
	h.remember(host, b)
	return true
}

// Answered says that a connection to a host was opened.
func (h *Hosts) Answered(host string) { delete(h.bad, host) }

// Dropped says that a shard neither opened a connection nor failed to: it stops.
func (h *Hosts) Dropped(shard uint) {
	for host, b := range h.bad {
		if b.trying && b.shard == shard {
			b.trying = false
			h.bad[host] = b
		}
	}
}

// Until returns the time until which a host is left alone, zero if it is not.
func (h *Hosts) Until(now time.Time, host string) time.Time {
	h.advance(now)
	if b, known := h.bad[host]; known && h.now.Before(b.until) {
		return b.until
	}
	return time.Time{}
}

func (h *Hosts) wait(failures int, random float64) time.Duration {
	return Backoff{Min: h.min(), Max: h.max()}.Wait(failures, random)
}

// remember keeps what is known of a host, in the place of the one that is tried
// again first if there are too many.
func (h *Hosts) remember(host string, b badHost) {
	if h.bad == nil {
		h.bad = map[string]badHost{}
	}
	if _, known := h.bad[host]; !known && len(h.bad) >= maxHosts {
		first := ""
		for other, o := range h.bad {
			if f := h.bad[first]; first == "" || o.until.Before(f.until) || o.until.Equal(f.until) && other < first {
				first = other
			}
		}
		delete(h.bad, first)
	}
	h.bad[host] = b
}

func (h *Hosts) advance(now time.Time) {
	if now.After(h.now) {
		h.now = now
	}
}
