package discord

import (
	"strings"

	"github.com/discordpkg/gateway/snowflake"
)

// A slab is spare memory for lists and objects of one type. What is carved from it
// is in use until the next round.
type slab[T any] struct {
	round uint64
	used  int
	chunk []T
}

// carve returns an empty list with room for n elements that are zero.
func (s *slab[T]) carve(round uint64, n int) []T {
	if s.round != round {
		s.round, s.used = round, 0
	}
	if len(s.chunk)-s.used < n {
		s.chunk, s.used = make([]T, max(n, 2*len(s.chunk))), 0
	}
	part := s.chunk[s.used : s.used+n : s.used+n]
	s.used += n
	clear(part)
	return part[:0]
}

// slot adds an element to a list and returns it, zero. A new list has room for few.
func slot[T any](d *decoder, s *slab[T], few int, list *[]T) *T {
	l := *list
	if len(l) == cap(l) {
		size := max(few, 2*cap(l))
		if d.reuse {
			l = append(s.carve(d.mem.round, size), l...)
		} else {
			l = append(make([]T, 0, size), l...)
		}
	}
	l = l[:len(l)+1]
	*list = l
	return &l[len(l)-1]
}

// one returns an object that is zero.
func one[T any](d *decoder, s *slab[T]) *T {
	if !d.reuse {
		return new(T)
	}
	return &s.carve(d.mem.round, 1)[:1][0]
}

// room returns an empty list for the scalars of the list whose first value is at i.
func room[T any](d *decoder, s *slab[T]) []T {
	n := d.guess()
	if !d.reuse {
		return make([]T, 0, n)
	}
	return s.carve(d.mem.round, n)
}

// guess tells how many scalars the list has whose first value is at i. Text may
// hold brackets and commas, so it may be wrong.
func (d *decoder) guess() int {
	rest := d.s[d.i:]
	if d.term {
		return min(int(*d.leftAt()&leftMask), len(rest)) + 1
	}
	n := 1
	if end := strings.IndexByte(rest, ']'); end >= 0 {
		n += strings.Count(rest[:end], ",")
	}
	return n
}

// maxChunk is how many ids are allocated at once for several lists.
const maxChunk = 512

// roomForIDs is room for snowflakes, whose lists share memory.
func (d *decoder) roomForIDs() []snowflake.ID {
	n := d.guess()
	if d.reuse {
		return d.mem.ids.carve(d.mem.round, n)
	}
	if len(d.spare) < n {
		d.chunk = max(n, min(2*d.chunk, maxChunk))
		d.spare = make([]snowflake.ID, d.chunk)
	}
	part := d.spare[:0:n]
	d.spare = d.spare[n:]
	return part
}

// ids reads a list of snowflakes.
func (d *decoder) ids(v *[]snowflake.ID) {
	if !d.list() {
		*v = nil
		return
	}
	list := []snowflake.ID{}
	for n := 0; d.element(n); n++ {
		if n == 0 {
			list = d.roomForIDs()
		}
		d.id(slot(d, &d.mem.ids, 1, &list))
	}
	*v = list
}

// ints reads a list of integers.
func (d *decoder) ints(v *[]int64) {
	if !d.list() {
		*v = nil
		return
	}
	list := []int64{}
	for n := 0; d.element(n); n++ {
		if n == 0 {
			list = room(d, &d.mem.ints)
		}
		d.int(slot(d, &d.mem.ints, 1, &list))
	}
	*v = list
}

// strs reads a list of strings.
func strs[S ~string](d *decoder, s *slab[S], v *[]S) {
	if !d.list() {
		*v = nil
		return
	}
	list := []S{}
	for n := 0; d.element(n); n++ {
		if n == 0 {
			list = room(d, s)
		}
		text := ""
		d.str(&text)
		*slot(d, s, 1, &list) = S(text)
	}
	*v = list
}

// enums reads a list of values of an enumeration.
func enums[E ~int32](d *decoder, s *slab[E], v *[]E) {
	if !d.list() {
		*v = nil
		return
	}
	list := []E{}
	for n := 0; d.element(n); n++ {
		if n == 0 {
			list = room(d, s)
		}
		value := int32(0)
		d.enum(&value)
		*slot(d, s, 1, &list) = E(value)
	}
	*v = list
}

// ints2 reads a pair of integers. As in encoding/json, more elements are read and
// left, and missing ones are zero.
func (d *decoder) ints2(v *[2]int64) {
	if !d.list() {
		return
	}
	n := 0
	for ; d.element(n); n++ {
		if n < len(v) {
			d.int(&v[n])
		} else {
			d.skip()
		}
	}
	for ; n < len(v); n++ {
		v[n] = 0
	}
}

// bits reads a set that is a string of digits.
func (d *decoder) bits(v *uint64) {
	if n, ok := d.digits("set of flags"); ok {
		*v = n
	}
}

// owner reads an owner.
func (d *decoder) owner(v *OwnerID) {
	if n, ok := d.digits("owner"); ok {
		*v = OwnerID(n)
	}
}

// any reads a value of any kind.
func (d *decoder) any(v *JSON) { *v = JSON(d.raw()) }

// present reads a value of any kind, and says that it was there.
func (d *decoder) present(v *Mark) {
	d.skip()
	*v = true
}
