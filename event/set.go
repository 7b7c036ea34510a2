package event

// A Set is a set of events, documented and unknown ones alike. Membership of a
// documented event is one bit. The zero value is empty and ready to use. A Set is
// a value: a copy does not change with the original. It is safe for concurrent
// use as long as nobody adds to it.
type Set struct {
	known   [(Count + 63) / 64]uint64
	unknown []Type // sorted, replaced instead of changed: copies may share it
}

// NewSet returns the set of events.
func NewSet(events ...Type) Set {
	var s Set
	s.Add(events...)
	return s
}

// Add puts events into the set. Adding one again changes nothing.
func (s *Set) Add(events ...Type) {
	for _, t := range events {
		if i, ok := find(t); ok {
			s.known[i/64] |= 1 << (i % 64)
			continue
		}
		i, found := search(s.unknown, string(t))
		if found {
			continue
		}
		grown := make([]Type, 0, len(s.unknown)+1)
		grown = append(grown, s.unknown[:i]...)
		grown = append(grown, t)
		s.unknown = append(grown, s.unknown[i:]...)
	}
}

// Has reports whether t is in the set.
func (s *Set) Has(t Type) bool {
	if i, ok := find(t); ok {
		return s.HasIndex(i)
	}
	_, ok := search(s.unknown, string(t))
	return ok
}

// HasName reports whether the event that name spells is in the set. It never
// allocates, so unknown events can be dropped for free.
func (s *Set) HasName(name []byte) bool {
	if i, ok := find(name); ok {
		return s.HasIndex(i)
	}
	for _, t := range s.unknown {
		if string(t) == string(name) {
			return true
		}
	}
	return false
}

// HasIndex reports whether the documented event with index i is in the set, see
// [Index]. It panics if i is not between 0 and [Count]-1.
func (s *Set) HasIndex(i int) bool { return s.known[i/64]&(1<<(i%64)) != 0 }

// Len returns the number of events in the set.
func (s *Set) Len() int {
	n := len(s.unknown)
	for i := range Count {
		if s.HasIndex(i) {
			n++
		}
	}
	return n
}

// All returns the events of the set as a fresh slice: the documented ones by
// index, then the unknown ones by name.
func (s *Set) All() []Type {
	all := make([]Type, 0, s.Len())
	for i, t := range names {
		if s.HasIndex(i) {
			all = append(all, t)
		}
	}
	return append(all, s.unknown...)
}

// search returns the place of name in sorted, or the one where it belongs.
func search(sorted []Type, name string) (at int, found bool) {
	low, high := 0, len(sorted)
	for low < high {
		middle := int(uint(low+high) / 2)
		if string(sorted[middle]) < name {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, low < len(sorted) && string(sorted[low]) == name
}
