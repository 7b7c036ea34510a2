package main

import (
	"bytes"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// safe is a log that several goroutines write.
type safe struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// TestAssistant wants an answer, and silence when the user interrupts it: the whole
// answer would take 18 seconds.
func TestAssistant(t *testing.T) {
	var log safe
	require.NoError(t, run(t.Context(), &log))
	out := log.b.String()
	require.Contains(t, out, "assistant: that was (")
	require.Contains(t, out, "interrupts")
	require.Regexp(t, `the user heard [1-9](\.\d)?s of the answer`, out)
}
