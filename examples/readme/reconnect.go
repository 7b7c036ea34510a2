// Package readme holds the Go code of the README, compiled and run by its tests: a
// block that stands there and not here fails a test.
package readme

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/lifecycle"
)

// keepConnected is Run by hand.
func keepConnected(ctx context.Context, shard *gatewayshard.Shard, url string, backoff lifecycle.Backoff) error {
	for failures := 0; ; failures++ {
		if _, err := shard.Dial(ctx, url); err == nil {
			failures = 0
			err = shard.EventLoop(ctx)
			if !mayReconnect(err) || ctx.Err() != nil {
				return err
			}
		}
		select {
		case <-time.After(backoff.Wait(failures, rand.Float64())):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := shard.PrepareForReconnect(); err != nil {
			return fmt.Errorf("no more connections: %w", err)
		}
	}
}

// mayReconnect reads the error of an event loop.
func mayReconnect(err error) bool {
	var discordErr *gateway.DiscordError
	switch {
	case errors.Is(err, gatewayshard.ErrClosed): // by Shard.Close
		return false
	case errors.As(err, &discordErr): // a close code, op 7, op 9, or silence
		return discordErr.CanReconnect()
	}
	return true // the network was lost: there is no DiscordError
}

// advice says what a close code asks for.
func advice(err error) string {
	var discordErr *gateway.DiscordError
	if !errors.As(err, &discordErr) {
		return "connect again and resume" // the network was lost
	}
	switch code := discordErr.CloseCode; {
	case !discordErr.CanReconnect(): // 4004, 4010 to 4014
		return "stop: " + code.Hint()
	case code == closecode.InvalidSeq, code == closecode.SessionTimedOut: // 4007, 4009
		return "connect again and identify"
	case !discordErr.CanResume(): // op 9 without a session to resume
		return "connect again and identify"
	}
	return "connect again and resume" // all others, and op 7, which has no code
}
