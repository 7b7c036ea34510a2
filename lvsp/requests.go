package lvsp

import (
	"time"

	"github.com/discordpkg/gateway/ratelimit"
)

// Requests are the INFO messages of a client on their way: those that wait
// for the limit, and those that may have been lost with the link.
type requests struct {
	window    *ratelimit.Window // of the link
	backlog   [][]byte
	releaseAt time.Time // zero unless the backlog waits for the limit

	kept  [][]byte // not known to have arrived
	first int64    // how many of the session came before the first of them
	count int64    // how many there were in the session
}

// maxKept is how many requests a client keeps until they have arrived. With
// more on their way it asks for everything anew after the link was lost.
const maxKept = 2 * MessageLimit

// arrived tells that the voice server has had n requests of the session. It
// reports false if it cannot have had so many, or had fewer before.
func (r *requests) arrived(n int64) bool {
	if n < r.first || n > r.first+int64(len(r.kept)) {
		return false
	}
	clear(r.kept[:n-r.first])
	r.kept, r.first = r.kept[n-r.first:], n
	return true
}

// resend puts what the voice server has not had on the way again.
func (r *requests) resend(had int64) bool {
	if !r.arrived(had) {
		return false
	}
	r.backlog = append([][]byte(nil), r.kept...)
	return true
}

// forget is for the start of a session.
func (r *requests) forget() { r.kept, r.first, r.count, r.backlog = nil, 0, 0, nil }

// submit sends a request, now or when the limit allows it. What cannot be said
// in the dialect, or would be lost, is asked for with everything else when a
// session starts. It returns the number of the request, zero if there is none.
func (c *Client) submit(now time.Time, in Info) (number int64) {
	if c.phase != clientActive && c.session == "" {
		return 0
	}
	data, ok := AppendInfo(nil, c.dialect, -1, in)
	if !ok {
		return 0
	}
	c.requests.count++
	switch r := &c.requests; {
	case c.session == "":
	case len(r.kept) == maxKept:
		c.session, r.kept = "", nil
	default:
		r.kept = append(r.kept, data)
	}
	if c.phase == clientActive {
		c.requests.backlog = append(c.requests.backlog, data)
		c.release(now)
	}
	return c.requests.count
}

// release sends as much of the backlog as the limit allows.
func (c *Client) release(now time.Time) {
	r := &c.requests
	r.releaseAt = time.Time{}
	if c.phase != clientActive {
		return
	}
	for len(r.backlog) > 0 {
		retryAt, ok := r.window.Take(now)
		if !ok {
			r.releaseAt = retryAt
			return
		}
		c.out.push(Frame{Kind: FrameText, Data: r.backlog[0]})
		r.backlog[0] = nil
		r.backlog = r.backlog[1:]
	}
	r.backlog = nil
}
