package gatewaytest

import (
	"context"
	"fmt"

	"github.com/discordpkg/gateway/gatewaytest/world"
	"github.com/discordpkg/gateway/opcode"
)

// Wait returns when done does, which is asked now and whenever something
// happened, or with an error when ctx ends. Done must not call the server.
func (s *Server) Wait(ctx context.Context, done func(Stats) bool) error {
	return s.wait(ctx, func(w *world.World) bool { return done(w.Stats()) })
}

// WaitSessions waits until n sessions have a connection, and returns these.
func (s *Server) WaitSessions(ctx context.Context, n int) (connected []SessionInfo, err error) {
	err = s.wait(ctx, func(w *world.World) bool {
		connected = connected[:0]
		for _, info := range w.Sessions() {
			if info.Conn != 0 {
				connected = append(connected, info)
			}
		}
		return len(connected) >= n
	})
	return connected, err
}

// WaitCommand waits for the first message with the opcode since the start, and
// returns it. It needs what [WithRecord] keeps.
func (s *Server) WaitCommand(ctx context.Context, op opcode.Type) (found Command, err error) {
	err = s.wait(ctx, func(w *world.World) bool {
		for _, c := range w.Commands() {
			if c.Op == op {
				found = c
				return true
			}
		}
		return false
	})
	return found, err
}

func (s *Server) wait(ctx context.Context, done func(*world.World) bool) error {
	for {
		s.mu.Lock()
		ok := done(s.world)
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("gatewaytest: wait: %w", context.Cause(ctx))
		}
	}
}
