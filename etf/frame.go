package etf

// A frame is an open container: how many elements are still to come, pairs in
// a map, in units of element, and what it is, below that.
type frame uint64

const (
	inMap frame = iota
	inList
	inTuple
	inNothing // the one term that all others are in

	kinds   = element - 1
	element = frame(4)
)

// opened returns the frame of a container of some elements.
func opened(kind frame, elements uint) frame { return frame(elements)*element | kind }

// shallow is how many containers may be around another one without allocation.
const shallow = 32

// frames are the containers around the innermost one.
type frames struct {
	depth int
	near  [shallow]frame
	far   []frame
}

// push puts a container away until the one in it ends.
func (s *frames) push(f frame) {
	if s.depth < shallow {
		s.near[s.depth] = f
	} else {
		s.far = append(s.far, f)
	}
	s.depth++
}

// pop returns the container that was put away last.
func (s *frames) pop() (f frame) {
	s.depth--
	if s.depth < shallow {
		return s.near[s.depth]
	}
	last := len(s.far) - 1
	f, s.far = s.far[last], s.far[:last]
	return f
}
