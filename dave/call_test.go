package dave

import (
	"testing"
	"time"
)

func TestCall(t *testing.T) {
	s := newSim(t, 1)
	a := s.join(1, 1)
	s.settle()
	s.requireCall()
	b := s.join(2, 1)
	s.settle()
	s.requireCall()
	c := s.join(3, 1)
	s.join(4, 1)
	s.settle()
	s.requireCall()
	s.leave(b)
	s.settle()
	s.requireCall()
	s.leave(a)
	s.join(2, 1)
	s.settle()
	s.requireCall()
	old := s.join(5, 0)
	s.settle()
	s.requireCall()
	s.leave(c)
	s.settle()
	s.requireCall()
	s.leave(old)
	s.settle()
	s.requireCall()
	s.leave(s.client(4))
	s.settle()
	s.requireCall()
	s.cut(s.client(2), time.Second)
	s.settle()
	s.requireCall()
}
