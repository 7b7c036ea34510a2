package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/ratelimit"
)

func TestWrite(t *testing.T) {
	p := activePeer(t)
	require.NoError(t, p.Write(&p.text, command.RequestGuildMembers, []byte(`{"guild_id":"23423","limit":0,"query":""}`)))
	require.Equal(t, `{"op":8,"d":{"guild_id":"23423","limit":0,"query":""}}`, p.wrote())
	require.NoError(t, p.Write(&p.text, command.UpdateVoiceState, nil))
	require.Equal(t, `{"op":4,"d":null}`, p.wrote())
}

func TestWriteIsOneWrite(t *testing.T) {
	p := activePeer(t)
	w := &countingWriter{}
	require.NoError(t, p.Write(w, command.UpdatePresence, []byte(`{}`)))
	require.NoError(t, p.Heartbeat(w))
	require.Equal(t, 2, w.calls, "one call makes one frame")
}

type countingWriter struct{ calls int }

func (w *countingWriter) Write(p []byte) (int, error) { w.calls++; return len(p), nil }

func TestWriteBeforeReady(t *testing.T) {
	p := newPeer(t)
	require.ErrorIs(t, p.Write(&p.text, command.UpdatePresence, []byte(`{}`)), ErrNotReady)
	require.ErrorIs(t, p.Heartbeat(&p.text), ErrNotReady, "the server speaks first")
	p.mustReceive(hello)
	p.wrote()
	require.ErrorIs(t, p.Write(&p.text, command.UpdatePresence, []byte(`{}`)), ErrNotReady)
	require.ErrorIs(t, p.Identify(&p.text), ErrNotReady, "a second identify earns 4005")
	require.NoError(t, p.Heartbeat(&p.text))
	p.mustReceive(ready)
	p.wrote()
	require.NoError(t, p.Write(&p.text, command.UpdatePresence, []byte(`{}`)))
	require.ErrorIs(t, p.Identify(&p.text), ErrNotReady)
	require.ErrorIs(t, p.Resume(&p.text), ErrNotReady)
	require.ErrorIs(t, p.Write(&p.text, command.Type(11), nil), ErrNotReady, "only Discord acknowledges")
}

func TestWriteSize(t *testing.T) {
	p := activePeer(t)
	fits := 4096 - len(`{"op":3,"d":""}`)
	require.NoError(t, p.Write(&p.text, command.UpdatePresence, []byte(`"`+strings.Repeat("x", fits)+`"`)))
	require.Len(t, p.wrote(), 4096)
	for _, more := range []int{1, 10_000} {
		err := p.Write(&p.text, command.UpdatePresence, []byte(`"`+strings.Repeat("x", fits+more)+`"`))
		require.ErrorIs(t, err, ErrPayloadTooLarge)
		require.Empty(t, p.wrote())
	}
}

func TestWriteInvalidJSON(t *testing.T) {
	p := activePeer(t)
	for _, d := range []string{`{`, `x`, `{} {}`, `{}}`} {
		require.ErrorIs(t, p.Write(&p.text, command.UpdatePresence, []byte(d)), ErrInvalidPayload)
	}
	require.Empty(t, p.wrote())
}

func TestWriteRateLimited(t *testing.T) {
	p := activePeer(t)
	n := 0
	var err error
	for ; n < 200 && err == nil; n++ {
		err = p.Write(io.Discard, command.UpdatePresence, []byte(`{}`))
	}
	n--
	var rl *RateLimitError
	require.ErrorAs(t, err, &rl)
	require.ErrorIs(t, err, ErrRateLimited)
	require.Contains(t, err.Error(), "rate limited until 2026-01-01T00:01")
	require.GreaterOrEqual(t, n, 115, "the budget is used")
	require.LessOrEqual(t, n+3, 120, "identify and the heartbeats of a minute fit in")
	require.False(t, rl.RetryAt.Before(epoch.Add(time.Minute)))
	require.NoError(t, p.Heartbeat(io.Discard), "heartbeats are never limited")
	require.False(t, p.Closed())

	p.Advance(rl.RetryAt)
	require.NoError(t, p.Write(io.Discard, command.UpdatePresence, []byte(`{}`)))
}

func TestCommandRateLimiterWithoutHeartbeats(t *testing.T) {
	p := activePeer(t, WithCommandRateLimiter(never{}))
	require.NoError(t, p.Heartbeat(io.Discard))
	require.ErrorIs(t, p.Write(io.Discard, command.UpdatePresence, nil), ErrRateLimited)
}

type never struct{}

func (never) Take(now time.Time) (time.Time, bool) { return now.Add(time.Second), false }

func TestWriteError(t *testing.T) {
	boom := errors.New("boom")
	p := newPeer(t)
	_, _, err := p.ProcessNextMessage(strings.NewReader(hello), &failingReader{boom}, &p.close)
	require.ErrorIs(t, err, boom)
	require.False(t, p.HaveIdentified(), "nothing was sent")
	require.True(t, p.Closed(), "hello was taken, and cannot be given back")

	p = activePeer(t)
	_, _, err = p.ProcessNextMessage(strings.NewReader(`{"op":1}`), &failingReader{boom}, &p.close)
	require.ErrorIs(t, err, boom)
	require.True(t, p.Closed())

	p = activePeer(t)
	require.ErrorIs(t, p.HandleTimeout(epoch.Add(20*time.Second), &failingReader{boom}, &p.close), boom)
	require.True(t, p.Closed(), "an error of HandleTimeout ends the connection")
	require.True(t, p.HaveSessionID())
	require.Zero(t, p.NextDeadline())

	p = activePeer(t)
	require.ErrorIs(t, p.Write(&failingReader{boom}, command.UpdatePresence, []byte(`{}`)), boom)
	require.False(t, p.Closed(), "whether the connection is gone is not ours to say")
}

// The heartbeat goes out, the identify that was due with it does not.
func TestWriteErrorBetweenTwo(t *testing.T) {
	boom := errors.New("boom")
	l := &gate{retry: epoch.Add(20 * time.Second)}
	p := newPeer(t, WithIdentifyRateLimiter(l))
	p.mustReceive(hello)
	l.open = true
	require.ErrorIs(t, p.HandleTimeout(epoch.Add(20*time.Second), &failsAfter{1, boom}, &p.close), boom)
	require.True(t, p.Closed(), "an open state would never identify again")
}

type failsAfter struct {
	writes int
	err    error
}

func (w *failsAfter) Write(b []byte) (int, error) {
	if w.writes--; w.writes < 0 {
		return 0, w.err
	}
	return len(b), nil
}

func TestIdentifyByHandWhileWaiting(t *testing.T) {
	l := &gate{retry: epoch.Add(7 * time.Second)}
	p := newPeer(t, WithIdentifyRateLimiter(l))
	p.mustReceive(hello)
	require.NoError(t, p.Identify(&p.text))
	require.NoError(t, p.wait(7*time.Second), "there is nothing left to wait for")
	require.Equal(t, 1, l.calls)
}

func TestIdentifyLimiterWithoutAnIdea(t *testing.T) {
	for _, retry := range []time.Time{{}, epoch.Add(-time.Hour), epoch} {
		l := &gate{retry: retry}
		p := newPeer(t, WithIdentifyRateLimiter(l))
		p.mustReceive(hello)
		require.True(t, p.NextDeadline().After(epoch), "neither never nor at once")
		require.False(t, p.NextDeadline().After(epoch.Add(time.Second)))
		l.open = true
		require.NoError(t, p.HandleTimeout(p.NextDeadline(), &p.text, &p.close))
		require.Contains(t, p.wrote(), `{"op":2,`)
	}
}

func TestIdentifyLimiter(t *testing.T) {
	l := &gate{retry: epoch.Add(7 * time.Second)}
	p := newPeer(t, WithIdentifyRateLimiter(l), WithShardID(3), WithShardCount(4))
	p.mustReceive(hello)
	require.Empty(t, p.wrote())
	require.False(t, p.HaveIdentified())
	require.Equal(t, 7*time.Second, p.NextDeadline().Sub(epoch), "the limiter says when")
	require.NoError(t, p.wait(6*time.Second))
	require.Equal(t, 1, l.calls)

	l.open = true
	require.NoError(t, p.wait(7*time.Second))
	require.Contains(t, p.wrote(), `{"op":2,`)
	require.Equal(t, uint(3), l.shard)
	require.Equal(t, 20*time.Second, p.NextDeadline().Sub(epoch))
}

func TestResumeDoesNotAskTheIdentifyLimiter(t *testing.T) {
	l := &gate{retry: epoch.Add(time.Second)}
	p := newPeer(t, WithIdentifyRateLimiter(l), WithSessionID("abc"), WithSequenceNumber(4))
	p.mustReceive(hello)
	require.Contains(t, p.wrote(), `{"op":6,`)
	require.Zero(t, l.calls)
}

type gate struct {
	open  bool
	retry time.Time
	calls int
	shard uint
}

func (g *gate) Take(id uint, now time.Time) (time.Time, bool) {
	g.calls++
	g.shard = id
	return g.retry, g.open
}

func TestTokenIsInNoString(t *testing.T) {
	p := newPeer(t, WithSessionID("abc"))
	for _, v := range []any{p.GatewayState, *p.GatewayState,
		Identify{BotToken: "s3cret"}, &Identify{BotToken: "s3cret"}, Resume{BotToken: "s3cret"}, &Resume{BotToken: "s3cret"}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			require.NotContains(t, fmt.Sprintf(verb, v), "s3cret", "%s of %T", verb, v)
			require.NotContains(t, fmt.Sprintf(verb, v), "733363726574", "%s of %T", verb, v)
		}
	}
	b, err := json.Marshal(Identify{BotToken: "s3cret"})
	require.NoError(t, err)
	require.Contains(t, string(b), "s3cret", "the wire form has it")
	_, err = NewGatewayState("s3cret", WithShardID(5))
	require.NotContains(t, err.Error(), "s3cret")
}

func TestProcessNextMessageAllocs(t *testing.T) {
	p := activePeer(t)
	const runs = 2000
	msgs := make([][]byte, runs+2)
	for i := range msgs {
		msgs[i] = []byte(dispatch(i+2, "MESSAGE_CREATE"))
	}
	r := bytes.NewReader(nil)
	i := 0
	n := testing.AllocsPerRun(runs, func() {
		r.Reset(msgs[i])
		i++
		if _, redundant, err := p.ProcessNextMessage(r, io.Discard, io.Discard); err != nil || redundant {
			t.Fatal(redundant, err)
		}
	})
	require.Zero(t, n)
}

func BenchmarkProcessMessage(b *testing.B) {
	p := activePeer(b)
	msg := []byte(`{"t":"MESSAGE_CREATE","s":2,"op":0,"d":{"content":"` + strings.Repeat("hello world ", 60) + `"}}`)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		p.seq = 1
		if _, _, err := p.ProcessMessage(msg, io.Discard, io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}

const heartbeatRequest = `{"op":1,"d":null}`

// One request is answered even after a full burst of commands, and the beats
// that are due still have their room.
func TestHeartbeatRequestAfterFullBurst(t *testing.T) {
	p := activePeer(t)
	sent := 1 // identify
	for p.Write(&p.text, command.UpdatePresence, []byte(`{}`)) == nil {
		sent++
	}
	p.wrote()
	p.mustReceive(heartbeatRequest)
	require.Equal(t, `{"op":1,"d":1}`, p.wrote())
	p.mustReceive(heartbeatRequest)
	require.Empty(t, p.wrote(), "no room: it is answered later")
	require.Greater(t, sent, 100)
	require.LessOrEqual(t, sent+1+2, 120, "two more beats are due within the minute")
}

// A server that asks for heartbeats without end must not make the client break
// the limit, and is answered all the same.
func TestHeartbeatRequestStorm(t *testing.T) {
	p := activePeer(t)
	window := ratelimit.NewWindow(120, time.Minute)
	window.Spend(epoch)
	answers := 0
	for now := epoch; now.Before(epoch.Add(10 * time.Minute)); now = now.Add(50 * time.Millisecond) {
		require.NoError(t, p.HandleTimeout(now, &p.text, &p.close))
		p.mustReceive(heartbeatRequest, `{"op":11}`)
		for range strings.Count(p.wrote(), `"op":1`) {
			_, ok := window.Take(now)
			require.True(t, ok, "4008 after %v", now.Sub(epoch))
			answers++
		}
	}
	require.Greater(t, answers, 1000)
}

func TestHeartbeatRequestIsAnsweredLater(t *testing.T) {
	limiter := &gate{retry: epoch.Add(3 * time.Second)}
	p := activePeer(t, WithCommandRateLimiter(commandGate{limiter}))
	for range 100 {
		p.mustReceive(heartbeatRequest)
	}
	require.Empty(t, p.wrote())
	require.Equal(t, 3*time.Second, p.NextDeadline().Sub(epoch))
	require.NoError(t, p.wait(2*time.Second))
	require.Empty(t, p.wrote(), "early")
	limiter.open = true
	require.NoError(t, p.wait(3*time.Second))
	require.Equal(t, `{"op":1,"d":1}`, p.wrote(), "one answer for all")
	require.Equal(t, 43*time.Second, p.NextDeadline().Sub(epoch))

	limiter.open, limiter.retry = false, time.Time{}
	p.mustReceive(heartbeatRequest)
	require.Equal(t, 3*time.Second+limiterPause, p.NextDeadline().Sub(epoch), "a limiter that names no time is asked soon")
	require.NoError(t, p.Heartbeat(&p.text))
	require.Equal(t, 43*time.Second, p.NextDeadline().Sub(epoch), "any heartbeat is the answer")
}

// A commandGate is a gate for commands, which do not say which shard they are of.
type commandGate struct{ *gate }

func (g commandGate) Take(now time.Time) (time.Time, bool) { return g.gate.Take(0, now) }
