package event

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestZeroSetIsEmpty(t *testing.T) {
	var s Set
	require.Zero(t, s.Len())
	require.Empty(t, s.All())
	require.False(t, s.Has(Ready))
	require.False(t, s.Has("UNKNOWN"))
	require.False(t, s.HasName(nil))
}

func TestSetHoldsEveryEvent(t *testing.T) {
	var s Set
	for i, name := range All() {
		require.False(t, s.Has(name))
		s.Add(name, name)
		require.True(t, s.Has(name))
		require.True(t, s.HasName([]byte(name)))
		require.True(t, s.HasIndex(i))
		require.Equal(t, i+1, s.Len(), "adding twice changes nothing")
	}
	require.Equal(t, All(), s.All())
}

func TestSetHoldsUnknownEvents(t *testing.T) {
	s := NewSet("ZULU", Ready, "ALPHA", "MIKE", "ALPHA", "")
	require.Equal(t, 5, s.Len())
	require.Equal(t, []Type{Ready, "", "ALPHA", "MIKE", "ZULU"}, s.All())
	require.True(t, s.HasName([]byte("MIKE")))
	require.True(t, s.Has(""))
	require.False(t, s.Has("MIK"))
	require.False(t, s.Has("ZULUS"))
}

func TestSetIsAValue(t *testing.T) {
	a := NewSet("B", Ready)
	b := a
	a.Add("A", Resumed)
	b.Add("C")
	require.Equal(t, []Type{Ready, Resumed, "A", "B"}, a.All())
	require.Equal(t, []Type{Ready, "B", "C"}, b.All())
}

func TestHasIndexOutOfRange(t *testing.T) {
	var s Set
	require.Panics(t, func() { s.HasIndex(-1) })
	require.Panics(t, func() { s.HasIndex(1 << 20) })
	require.Panics(t, func() { At(Count) })
}
