package readme

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// safe is what a program prints.
type safe struct {
	mu    sync.Mutex // guards what follows
	b     strings.Builder
	moved chan struct{} // closed and made anew by Write
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moved != nil {
		close(s.moved)
	}
	s.moved = make(chan struct{})
	return s.b.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// wait returns when a text was printed.
func (s *safe) wait(ctx context.Context, text string) error {
	for {
		s.mu.Lock()
		found := strings.Contains(s.b.String(), text)
		if s.moved == nil {
			s.moved = make(chan struct{})
		}
		moved := s.moved
		s.mu.Unlock()
		if found {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%q was not printed: %w\n%s", text, ctx.Err(), s.String())
		}
	}
}
