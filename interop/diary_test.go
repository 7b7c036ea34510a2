package interop

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/discordpkg/gateway/internal/rtp"
)

// A diary is what a foreign client saw. It is safe for concurrent use.
type diary struct {
	mu      sync.Mutex
	page    page
	changed chan struct{} // closed when something was written
}

type page struct {
	readies  int
	guilds   []string // ids, each once
	messages []string // contents
	members  int      // in chunks
	chunks   int      // that came
	whole    bool     // all chunks came
	heard    [][]byte // Opus packets, but for silence and pilots
	pilots   int      // Opus packets that are a pilot
	problems []string // what the client complained about
}

func newDiary() *diary {
	return &diary{changed: make(chan struct{})}
}

func (d *diary) write(f func(p *page)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.page)
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *diary) ready() { d.write(func(p *page) { p.readies++ }) }

func (d *diary) message(content string) {
	d.write(func(p *page) { p.messages = append(p.messages, content) })
}

// pilot is said to find out whether anybody listens.
var pilot = []byte("\xfcpilot")

func (d *diary) hear(opus []byte) {
	d.write(func(p *page) {
		switch {
		case rtp.IsSilence(opus):
		case bytes.Equal(opus, pilot):
			p.pilots++
		default:
			p.heard = append(p.heard, opus)
		}
	})
}

func (d *diary) guild(id string) {
	d.write(func(p *page) {
		if !slices.Contains(p.guilds, id) {
			p.guilds = append(p.guilds, id)
		}
	})
}

// chunk notes some members, in one of count chunks, which come in any order.
func (d *diary) chunk(count, members int) {
	d.write(func(p *page) {
		p.members += members
		p.chunks++
		p.whole = p.chunks == count
	})
}

func (d *diary) problem(format string, args ...any) {
	d.write(func(p *page) { p.problems = append(p.problems, fmt.Sprintf(format, args...)) })
}

// wait returns the page as soon as done says so.
func (d *diary) wait(ctx context.Context, done func(page) bool) (page, error) {
	for {
		d.mu.Lock()
		p, changed := d.page, d.changed
		d.mu.Unlock()
		if done(p) {
			return p, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return p, fmt.Errorf("%w, the diary says %+v", context.Cause(ctx), p)
		}
	}
}

// now returns the page as it is.
func (d *diary) now() page {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.page
}
