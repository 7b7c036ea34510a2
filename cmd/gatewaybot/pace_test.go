package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPacer(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := newPacer(2, 5*time.Second)
	require.Zero(t, p.eta(nil, now))
	require.Zero(t, p.eta([]uint{0, 1}, now), "one in each bucket")
	require.Equal(t, 10*time.Second, p.eta([]uint{0, 1, 2, 3, 4}, now))

	_, ok := p.Take(0, now)
	require.True(t, ok)
	now = now.Add(2 * time.Second)
	require.Equal(t, 3*time.Second, p.eta([]uint{1, 2}, now), "the bucket is free in 3 s")
	require.Equal(t, 8*time.Second, p.eta([]uint{1, 2, 4}, now))
	at, ok := p.Take(2, now)
	require.False(t, ok)
	require.Equal(t, now.Add(3*time.Second), at)
	require.Equal(t, 8*time.Second, p.eta([]uint{1, 2, 4}, now), "a refusal changes nothing")

	now = now.Add(time.Minute)
	require.Equal(t, 5*time.Second, p.eta([]uint{1, 2, 4}, now))
}
