package voiceshard

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/snowflake"
)

// An SSRC is not a license to fill memory.
func TestManySources(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.join(), d.server(theHost)
		for n := range uint32(maxSources + 1) {
			host.say(rtp.Packet{Header: rtp.Header{SSRC: n + 1, Sequence: 1}, Payload: opus(1)})
		}
		require.Equal(t, uint64(1), s.Stats().Overflow)
		sleep(idle + time.Second)
		host.say(rtp.Packet{Header: rtp.Header{SSRC: 99999, Sequence: 1}, Payload: opus(1)})
		require.Equal(t, uint64(1), s.Stats().Overflow, "those that are silent make room")
		for n := range maxNames + 1 {
			s.in.introduce(time.Now(), uint32(n), snowflake.ID(n+1))
		}
		s.in.mu.Lock()
		defer s.in.mu.Unlock()
		require.LessOrEqual(t, len(s.in.names), maxNames)
	})
}

// What waits for a key is not tried again for each datagram of somebody else:
// that would make each of them cost as much as all who wait.
func TestWaitingCostsNothing(t *testing.T) {
	l := new(counted)
	run(t, func(t *testing.T, d *discord) {
		_, host := d.hearing()
		for n := range uint16(100) {
			host.say(from(n, []byte("?")))
		}
		host.throw([]byte{1})
		require.EqualValues(t, 1, l.tries.Load())
		sleep(2 * defaultHold)
		require.LessOrEqual(t, l.tries.Load(), int64(102), "and a last time")
	}, WithE2EE(func(snowflake.ID, snowflake.ID) (FrameCryptor, error) { return l, nil }))
}

// counted is a lock without a key that counts who tries it.
type counted struct {
	lock
	tries atomic.Int64
}

func (c *counted) DecryptFrame(_ time.Time, _ snowflake.ID, dst, _ []byte) ([]byte, error) {
	c.tries.Add(1)
	return dst, errLocked
}

// A source whose packets waited when the keys were forgotten waits properly
// afterwards.
func TestWaitingAfterDetach(t *testing.T) {
	in, datagram := receiving(t)
	now := time.Now()
	wait := func(sequence uint16) time.Time {
		in.receive(now, datagram(sequence))
		in.receive(now, datagram(sequence+2))
		return in.deadline()
	}
	require.Equal(t, now.Add(defaultReorder), wait(1))
	in.detach()
	require.Zero(t, in.deadline())
	require.NoError(t, in.attach(rtp.AES256GCM, make([]byte, rtp.KeySize), nil))
	require.Equal(t, now.Add(defaultReorder), wait(4))
}

// receiving returns the receiving half of a session, and a function that makes
// datagrams for it.
func receiving(tb testing.TB, options ...Option) (in *inbound, datagram func(sequence uint16) []byte) {
	in = new(inbound)
	c, err := newConfig(options)
	require.NoError(tb, err)
	in.start(&c)
	key := make([]byte, rtp.KeySize)
	require.NoError(tb, in.attach(rtp.AES256GCM, key, nil))
	in.introduce(time.Now(), 77, other)
	sealer, err := rtp.NewSealer(rtp.AES256GCM, key, rtp.ServerNonces())
	require.NoError(tb, err)
	buf := make([]byte, 0, 1024)
	payload := make([]byte, 160)
	return in, func(sequence uint16) []byte {
		p := from(sequence, payload)
		p.PayloadType = rtp.PayloadTypeOpus
		n, _ := p.MarshalTo(buf[:512])
		b, err := sealer.Seal(buf[:n])
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
}

// The queue grows to what is needed, keeps the order, and then drops the oldest.
func TestQueueGrows(t *testing.T) {
	var q queue
	q.start(40)
	var p Packet
	pushed, popped := uint32(0), uint32(0)
	push := func(n int) {
		for range n {
			p.SSRC = pushed
			pushed++
			q.push(&p)
		}
	}
	pop := func(n int) {
		for range n {
			got, _ := q.pop()
			require.Equal(t, popped, got.SSRC)
			popped++
		}
	}
	push(10)
	pop(7)
	push(20)
	require.Len(t, q.ring, 32)
	pop(20)
	push(37)
	require.Len(t, q.ring, 40)
	push(5)
	popped += 5
	require.Equal(t, uint64(5), q.dropped)
	pop(35)
	pop(5)
	got, closed := q.pop()
	require.Nil(t, got)
	require.False(t, closed)
}

func TestReceivingDoesNotAllocate(t *testing.T) {
	in, datagram := receiving(t)
	in.cryptor = passing(t)
	var n uint16
	step := func(count int) {
		for range count {
			n++
			in.receive(time.Now(), datagram(n))
			if p, _ := in.queue.pop(); p == nil || len(p.Opus) != 160 {
				t.Fatal("not received")
			}
		}
	}
	step(2 * defaultQueue) // until the memory of all places was used once
	_, unheard := receiving(t)
	base := testing.AllocsPerRun(100, func() { unheard(1) })
	require.Equal(t, base, testing.AllocsPerRun(1000, func() { step(1) }))
}

func BenchmarkReceive(b *testing.B) {
	in, datagram := receiving(b)
	var n uint16
	b.ReportAllocs()
	for b.Loop() {
		n++
		in.receive(time.Now(), datagram(n))
		in.queue.pop()
	}
}
