package voiceshard

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/voiceshard/audio"
	"github.com/discordpkg/gateway/voiceshard/internal/pace"
)

const ms = time.Millisecond

// A stage is a discord that notes when frames are sent.
type stage struct {
	*discord
	mu    sync.Mutex
	times []time.Duration // from the beginning of the test
	start time.Time
}

// A stageConn notes when audio is written.
type stageConn struct {
	net.Conn
	stage *stage
}

func (c *stageConn) Write(b []byte) (int, error) {
	if rtp.KindOf(b) == rtp.KindRTP {
		c.stage.mu.Lock()
		c.stage.times = append(c.stage.times, time.Since(c.stage.start))
		c.stage.mu.Unlock()
	}
	return c.Conn.Write(b)
}

// perform starts a test with a player in virtual time.
func perform(t *testing.T, test func(t *testing.T, d *stage)) {
	t.Helper()
	var st *stage
	run(t, func(t *testing.T, d *discord) {
		st = &stage{discord: d, start: time.Now()}
		test(t, st)
		require.Zero(t, pace.Shared.Len())
	}, WithMediaDial(func(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
		nc, err := st.dialMedia(ctx, addr)
		return &stageConn{nc, st}, err
	}))
}

// sentAt returns when the frames were sent, since the first one.
func (st *stage) sentAt() []time.Duration {
	st.mu.Lock()
	defer st.mu.Unlock()
	out := slices.Clone(st.times)
	for i := range out {
		out[i] -= st.times[0]
	}
	return out
}

// said returns what the bot said about speaking.
func (st *stage) said() []string {
	var all []string
	for _, data := range st.server(theHost).last().all(opcode.VoiceSpeaking) {
		switch data[:12] {
		case `{"speaking":`:
			all = append(all, data[12:13])
		}
	}
	return all
}

// A tape is a source of frames that says when it is read, and may be slow.
type tape struct {
	frames [][]byte
	at     int
	err    error // behind the last frame; nil: io.EOF
	delay  func(i int) time.Duration
	closed chan struct{}
}

// record returns a tape of n frames of 20 ms.
func record(n int) *tape {
	s := &tape{closed: make(chan struct{})}
	for i := range n {
		s.frames = append(s.frames, opus(i))
	}
	return s
}

func (s *tape) ReadFrame() ([]byte, error) {
	if s.delay != nil {
		select {
		case <-time.After(s.delay(s.at)):
		case <-s.closed:
			return nil, net.ErrClosed
		}
	}
	if s.at >= len(s.frames) {
		if s.err != nil {
			return nil, s.err
		}
		return nil, io.EOF
	}
	s.at++
	return s.frames[s.at-1], nil
}

func (s *tape) Close() error { close(s.closed); return nil }

// A film is a tape that can be wound.
type film struct{ *tape }

func (s *film) Seek(to time.Duration) error {
	if to > time.Hour {
		return errors.New("torn")
	}
	s.at = int(to / (20 * ms))
	return nil
}

func (s *film) Length() (time.Duration, bool) { return time.Duration(len(s.frames)) * 20 * ms, true }

func (st *stage) play(s *Session, source audio.Source, options ...PlayOption) *Player {
	st.t.Helper()
	p, err := s.Play(st.t.Context(), source, options...)
	require.NoError(st.t, err)
	return p
}

// wait waits for the end of a player, and for everything to arrive.
func (st *stage) wait(p *Player) error {
	err := p.Wait(st.t.Context())
	synctest.Wait()
	return err
}

// requireContinuous checks that numbers go up by one, and timestamps by what
// has passed.
func requireContinuous(t *testing.T, headers []rtp.Header, times []time.Duration) {
	t.Helper()
	require.Len(t, times, len(headers))
	for i, h := range headers {
		require.Equal(t, headers[0].Sequence+uint16(i), h.Sequence, "packet %d", i)
		passed := times[i] - times[0]
		require.InDelta(t, float64(samplesIn(passed)), float64(h.Timestamp-headers[0].Timestamp), 48*20.1, "packet %d", i)
	}
}
