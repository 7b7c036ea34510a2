package jitter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMeterEven(t *testing.T) {
	var m Meter
	for i := range 1000 {
		m.Observe(at(20*i), uint32(i-500)*960) // wraps on the way
	}
	require.Zero(t, m.Jitter())
	require.Zero(t, m.Spread().Max())
	require.EqualValues(t, 999, m.Spread().Count())
}

func TestMeterUneven(t *testing.T) {
	var m Meter
	for i := range 1000 {
		m.Observe(at(20*i+i%2*8), uint32(i)*960)
	}
	require.InDelta(t, float64(8*time.Millisecond), float64(m.Jitter()), float64(time.Microsecond), "RFC 3550 6.4.1")
	require.Equal(t, 8*time.Millisecond, m.Spread().Quantile(0.99))
}

func TestMeterSkipsPauses(t *testing.T) {
	var m Meter
	m.Observe(at(0), 0)
	m.Observe(at(5000), 960)               // silence that is not in the timestamps
	m.Observe(at(5020), 1<<31)             // another stream
	m.Observe(at(5040), 1<<31+960)         // goes on
	m.Observe(at(8040), 1<<31+960+48000*3) // silence that is in the timestamps
	require.Zero(t, m.Jitter())
	require.EqualValues(t, 2, m.Spread().Count())
}
