package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/opcode"
)

func TestAlarm(t *testing.T) {
	var out bytes.Buffer
	var raised []string
	raise := func(text string, err error) bool {
		raised = append(raised, (&warning{text, err}).Error())
		return text == "expected"
	}
	newLog := func(level slog.Level) *slog.Logger {
		return slog.New(alarm{next: slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}), raise: raise})
	}

	log := newLog(slog.LevelError)
	log.Info("nothing")
	log.Warn("w1", "err", io.EOF)
	log.With("shard", 1, "err", io.ErrUnexpectedEOF).WithGroup("g").Warn("w2", "other", 3)
	log.Error("e", "why", "no error")
	require.Equal(t, []string{"warning: w1: EOF", "warning: w2: unexpected EOF", "warning: e"}, raised)
	require.NotContains(t, out.String(), "w1", "warnings are heard, but not shown at this level")
	require.Contains(t, out.String(), "msg=e")

	out.Reset()
	newLog(slog.LevelInfo).Info("said by the bot already")
	require.Empty(t, out.String())
	newLog(slog.LevelInfo).Error("expected")
	require.Empty(t, out.String())
	newLog(slog.LevelDebug).Info("shown")
	require.Contains(t, out.String(), "msg=shown")
}

func TestWarningUnwraps(t *testing.T) {
	require.ErrorIs(t, &warning{"text", io.EOF}, io.EOF)
}

func TestRoutine(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{io.EOF, false},
		{&gateway.DiscordError{OpCode: opcode.Reconnect}, true},
		{fmt.Errorf("wrapped: %w", &gateway.DiscordError{OpCode: opcode.Reconnect}), true},
		{&gateway.DiscordError{OpCode: opcode.InvalidSession}, false},
		{&gateway.DiscordError{CloseCode: closecode.Restart}, true},
		{&gateway.DiscordError{CloseCode: closecode.UnknownError}, false},
		{&gateway.DiscordError{CloseCode: closecode.AuthenticationFailed}, false},
		{&gateway.DiscordError{CloseCode: closecode.HeartbeatAckNotReceived}, false},
	} {
		require.Equal(t, c.want, routine(c.err), "%v", c.err)
	}
	require.True(t, lost(&gatewayshard.LostError{Err: io.EOF}))
	require.False(t, lost(errors.New("other")))
}
