package report

import (
	"fmt"
	"slices"
	"strings"
)

// A Versus compares what was measured in pairs, in turns: this version of the
// library and another one.
type Versus struct {
	Text         string
	This, Other  float64   // medians, in nanoseconds
	Ratios       []float64 // of each pair
	Allocs, Were float64   // medians
}

// Compare pairs the turns of both versions. It reports false if they are not pairs,
// because the flags asked for neither or there is no other version.
func Compare[T any](text string, here, there []T, of func(T) (cpu, allocs float64)) (v Versus, ok bool) {
	if len(here) == 0 || len(here) != len(there) {
		return v, false
	}
	var cpu, allocs [2][]float64
	for i := range here {
		for k, turn := range [2]T{here[i], there[i]} {
			c, a := of(turn)
			cpu[k], allocs[k] = append(cpu[k], c), append(allocs[k], a)
		}
		v.Ratios = append(v.Ratios, cpu[0][i]/cpu[1][i])
	}
	v.Text = text
	v.This, v.Other = median(cpu[0]), median(cpu[1])
	v.Allocs, v.Were = median(allocs[0]), median(allocs[1])
	return v, true
}

// median returns what is in the middle of the values, of which there is one.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// Ratio returns the median of the ratios of the pairs, zero if there are none.
func (v Versus) Ratio() float64 {
	if len(v.Ratios) == 0 {
		return 0
	}
	return median(v.Ratios)
}

// VersusTable returns a table of the comparisons, with a headline.
func VersusTable(other string, all []Versus) string {
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Against %s\n\nThe same children, built there and here, take turns. Ratios are those of the pairs: median, least and largest.\n\n"+
		"| | here | there | median | least | largest | allocations | there |\n|---|--:|--:|--:|--:|--:|--:|--:|\n", other)
	for _, v := range all {
		fmt.Fprintf(&b, "| %s | %s us | %s us | %.3fx | %.3fx | %.3fx | %.2f | %.2f |\n", v.Text, Short(v.This/1e3), Short(v.Other/1e3),
			v.Ratio(), slices.Min(v.Ratios), slices.Max(v.Ratios), v.Allocs, v.Were)
	}
	return b.String()
}

// VersusGoals wants each comparison to be at most so many times what it was.
func VersusGoals(all []Versus, most float64) Goals {
	var goals Goals
	for _, v := range all {
		goals = append(goals,
			Goal{Text: "processor time, " + v.Text + ", against the other checkout", Got: v.Ratio(), Want: most, Unit: "x", Known: len(v.Ratios) > 0},
			// A stray allocation of the runtime is no change of the path.
			Goal{Text: "allocations, " + v.Text + ", more than there", Got: v.Allocs - v.Were, Want: 0.01, Known: len(v.Ratios) > 0})
	}
	return goals
}
