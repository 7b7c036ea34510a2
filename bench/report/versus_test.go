package report

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestVersus(t *testing.T) {
	v := Versus{Text: "json gateway", This: 1030, Other: 1000, Ratios: []float64{1.2, 1.01, 1.03}, Allocs: 0.001}
	require.InDelta(t, 1.03, v.Ratio(), 1e-9, "the median of the pairs, not the ratio of the medians")
	require.InDelta(t, 1.02, Versus{Ratios: []float64{1.01, 1.03}}.Ratio(), 1e-9)
	require.Zero(t, Versus{}.Ratio())
	require.Contains(t, VersusTable("a4f226d", []Versus{v}), "| json gateway | 1.03 us | 1.00 us | 1.030x | 1.010x | 1.200x | 0.00 | 0.00 |\n")
	require.Empty(t, VersusTable("a4f226d", nil))
	require.False(t, VersusGoals([]Versus{v}, 1.03).Missed())
	require.True(t, VersusGoals([]Versus{v}, 1.02).Missed())
	v.Allocs = 1
	require.True(t, VersusGoals([]Versus{v}, 1.03).Missed(), "an allocation more")
	require.True(t, VersusGoals([]Versus{{Text: "json gateway"}}, 1.03).Missed(), "not measured")
}

func TestCompare(t *testing.T) {
	type turn struct{ cpu, allocs float64 }
	of := func(t turn) (cpu, allocs float64) { return t.cpu, t.allocs }
	v, ok := Compare("x", []turn{{10, 0}, {30, 2}, {20, 1}}, []turn{{10, 1}, {20, 1}, {40, 1}}, of)
	require.True(t, ok)
	require.Equal(t, Versus{Text: "x", This: 20, Other: 20, Ratios: []float64{1, 1.5, 0.5}, Allocs: 1, Were: 1}, v)
	for _, there := range [][]turn{nil, {{1, 1}, {2, 2}}} {
		_, ok = Compare("x", []turn{{1, 1}}, there, of)
		require.False(t, ok, "no pairs")
	}
	_, ok = Compare("x", nil, nil, of)
	require.False(t, ok)
}
