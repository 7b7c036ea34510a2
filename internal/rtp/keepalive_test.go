package rtp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestKeepalive(t *testing.T) {
	var k Keepalive
	require.True(t, k.NextDeadline().IsZero(), "not started")
	require.Empty(t, k.HandleTimeout(epoch, nil))

	k.Start(epoch)
	require.Equal(t, epoch, k.NextDeadline(), "the first one opens the way back")
	require.Empty(t, k.HandleTimeout(epoch.Add(-1), nil), "an early call does nothing")
	require.Equal(t, append([]byte("before"), 0, 0, 0, 0, 0, 0, 0, 0), k.HandleTimeout(epoch, []byte("before")))
	require.Equal(t, epoch.Add(5*time.Second), k.NextDeadline())
	require.Equal(t, []byte{1, 0, 0, 0, 0, 0, 0, 0}, k.HandleTimeout(epoch.Add(5*time.Second), nil))

	k.Stop()
	require.True(t, k.NextDeadline().IsZero())
	require.Empty(t, k.HandleTimeout(epoch.Add(time.Hour), nil))
	k.Start(epoch.Add(time.Hour))
	require.Equal(t, []byte{2, 0, 0, 0, 0, 0, 0, 0}, k.HandleTimeout(epoch.Add(time.Hour), nil), "the counter goes on")
}

func TestKeepaliveCountsInLittleEndian(t *testing.T) {
	k := Keepalive{counter: 1<<32 - 1}
	k.Start(epoch)
	require.Equal(t, []byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0}, k.HandleTimeout(epoch, nil))
	require.Equal(t, []byte{0, 0, 0, 0, 1, 0, 0, 0}, k.HandleTimeout(epoch.Add(KeepaliveInterval), nil))
}

func TestKeepaliveDoesNotDrift(t *testing.T) {
	var k Keepalive
	k.Start(epoch)
	for i := range 100 {
		due := epoch.Add(time.Duration(i) * KeepaliveInterval)
		require.Equal(t, due, k.NextDeadline())
		require.NotEmpty(t, k.HandleTimeout(due.Add(time.Duration(i)*time.Millisecond), nil))
	}
}

func TestKeepaliveDoesNotBurst(t *testing.T) {
	var k Keepalive
	k.Start(epoch)
	late := epoch.Add(time.Hour)
	require.NotEmpty(t, k.HandleTimeout(late, nil))
	require.Equal(t, late.Add(KeepaliveInterval), k.NextDeadline())
	require.Empty(t, k.HandleTimeout(late, nil))
}

func TestKeepaliveRTT(t *testing.T) {
	var k Keepalive
	require.False(t, k.Handle(epoch, make([]byte, 8)), "none was sent")
	k.Start(epoch)
	first := k.HandleTimeout(epoch, nil)
	require.False(t, k.Handle(epoch, first[:7]))
	require.True(t, k.Handle(epoch.Add(30*time.Millisecond), first))
	require.Equal(t, 30*time.Millisecond, k.RTT())
	require.False(t, k.Handle(epoch.Add(40*time.Millisecond), first), "it came twice")
	require.Equal(t, 30*time.Millisecond, k.RTT())

	second := k.HandleTimeout(epoch.Add(5*time.Second), nil)
	require.False(t, k.Handle(epoch.Add(6*time.Second), first), "not the last one")
	require.True(t, k.Handle(epoch.Add(4*time.Second), second))
	require.Zero(t, k.RTT(), "time runs backwards")
}

func TestKeepaliveWithoutAClock(t *testing.T) {
	var k Keepalive
	k.Start(time.Time{})
	require.False(t, k.NextDeadline().IsZero())
}
