package admission

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	epoch    = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	attacker = netip.MustParseAddr("203.0.113.66")
	honest   = netip.MustParseAddr("198.51.100.7")
)

func door(t *testing.T, l Limits) *Admission {
	a, err := New(l)
	require.NoError(t, err)
	return a
}

func TestBadLimits(t *testing.T) {
	for _, l := range []Limits{{}, {Total: 1}, {Total: 1, Unidentified: 1, Rate: -1}, {Total: 1, Unidentified: 1, FirstByte: -1}, {Total: 1, Unidentified: 1, PerAddress: -1}} {
		_, err := New(l)
		require.Error(t, err)
	}
}

// Silent sockets of one address keep no other out: each that is too many costs
// the attacker one of its own.
func TestSilentSockets(t *testing.T) {
	a := door(t, Limits{Total: 100, Unidentified: 50, PerAddress: 20})
	client, _ := a.Accept(epoch, honest)
	require.NotNil(t, client)
	for n := range 360 {
		c, evicted := a.Accept(epoch, attacker)
		require.NotNil(t, c)
		require.Equal(t, n >= 20, evicted != nil)
		require.False(t, client.over)
	}
	total, waiting := a.Open()
	require.Equal(t, []int{21, 21}, []int{total, waiting})
}

// Without room in all, the fullest address gives way, and those that have
// identified stay.
func TestFullestAddressGivesWay(t *testing.T) {
	a := door(t, Limits{Total: 10, Unidentified: 4, FirstByte: time.Second})
	members := make([]*Conn, 0, 6)
	for range 6 {
		c, _ := a.Accept(epoch, honest)
		a.Identified(c)
		members = append(members, c)
	}
	first, _ := a.Accept(epoch, attacker)
	second, _ := a.Accept(epoch, attacker)
	third, _ := a.Accept(epoch, attacker)
	a.Heard(first)
	client, evicted := a.Accept(epoch, honest)
	require.NotNil(t, client)
	require.Nil(t, evicted)
	another, evicted := a.Accept(epoch, honest)
	require.NotNil(t, another)
	require.Same(t, second, evicted, "the oldest that is silent")
	require.False(t, first.over || third.over || client.over)
	for _, c := range members {
		require.False(t, c.over)
	}
	for _, c := range []*Conn{first, third, client, another} {
		a.Identified(c)
	}
	refused, evicted := a.Accept(epoch, honest)
	require.Nil(t, refused, "all ten are members'")
	require.Nil(t, evicted)
	a.Leave(members[0])
	a.Leave(members[0])
	again, _ := a.Accept(epoch, honest)
	require.NotNil(t, again)
}

// An address that says something over each of its connections gets no more of
// them.
func TestAddressThatSpeaks(t *testing.T) {
	a := door(t, Limits{Total: 100, Unidentified: 50, PerAddress: 2})
	for range 2 {
		c, _ := a.Accept(epoch, attacker)
		a.Heard(c)
	}
	c, evicted := a.Accept(epoch, attacker)
	require.Nil(t, c)
	require.Nil(t, evicted)
}

// New connections of one address have a rate; those of a /64 are one address.
func TestRate(t *testing.T) {
	a := door(t, Limits{Total: 1000, Unidentified: 1000, Rate: 10, Burst: 20})
	let := func(now time.Time, from string) (n int) {
		for {
			c, _ := a.Accept(now, netip.MustParseAddr(from))
			if c == nil || n == 500 {
				return n
			}
			a.Leave(c)
			n++
		}
	}
	require.Equal(t, 21, let(epoch, "2001:db8::1"))
	require.Zero(t, let(epoch, "2001:db8::2"))
	require.Equal(t, 21, let(epoch, "2001:db8:0:1::1"), "another network")
	require.Equal(t, 10, let(epoch.Add(time.Second), "2001:db8::1"))
	require.Equal(t, 500, let(epoch, "127.0.0.1"), "a proxy")
	require.Equal(t, 21, let(epoch, "::ffff:198.51.100.1"))
	require.Zero(t, let(epoch, "198.51.100.1"), "the same in IPv4")
}

func TestFirstByte(t *testing.T) {
	a := door(t, Limits{Total: 10, Unidentified: 10, FirstByte: 5 * time.Second})
	silent, _ := a.Accept(epoch, attacker)
	speaks, _ := a.Accept(epoch, attacker)
	left, _ := a.Accept(epoch, attacker)
	later, _ := a.Accept(epoch.Add(time.Second), attacker)
	a.Heard(speaks)
	a.Leave(left)
	require.Equal(t, epoch.Add(5*time.Second), a.NextDeadline())
	require.Empty(t, a.HandleTimeout(epoch.Add(4*time.Second)))
	require.Equal(t, []*Conn{silent}, a.HandleTimeout(epoch.Add(5*time.Second)))
	require.Equal(t, []*Conn{later}, a.HandleTimeout(epoch.Add(time.Minute)))
	require.Zero(t, a.NextDeadline())
	total, _ := a.Open()
	require.Equal(t, 1, total)
}

// Whatever happens, the counts are true and the memory is bounded by what is
// open and what came lately.
func TestCounts(t *testing.T) {
	a := door(t, Limits{Total: 40, Unidentified: 10, PerAddress: 3, Rate: 5, Burst: 5, FirstByte: time.Second})
	rng := rand.New(rand.NewPCG(1, 2))
	now := epoch
	var all []*Conn
	for range 50_000 {
		now = now.Add(time.Duration(rng.IntN(20)) * time.Millisecond)
		switch rng.IntN(5) {
		case 0, 1:
			var b [4]byte
			binary.BigEndian.PutUint32(b[:], rng.Uint32()>>uint(rng.IntN(32)))
			if c, _ := a.Accept(now, netip.AddrFrom4(b)); c != nil {
				all = append(all, c)
			}
		case 2:
			a.HandleTimeout(now)
		default:
			if len(all) == 0 {
				continue
			}
			i := rng.IntN(len(all))
			switch rng.IntN(3) {
			case 0:
				a.Heard(all[i])
			case 1:
				a.Identified(all[i])
			default:
				a.Leave(all[i])
			}
			if all[i].over {
				all = append(all[:i], all[i+1:]...)
			}
		}
	}
	open, waiting := 0, 0
	for _, c := range all {
		if !c.over {
			open++
			if !c.identified {
				waiting++
			}
		}
	}
	total, unidentified := a.Open()
	require.Equal(t, []int{open, waiting}, []int{total, unidentified})
	require.LessOrEqual(t, len(a.addresses), 2*minPrune+100)
}
