package gateway

import (
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/command"
	"github.com/discordpkg/gateway/opcode"
)

func TestReconnect(t *testing.T) {
	for _, d := range []string{`null`, `1`, `{}`} {
		p := activePeer(t)
		_, _, err := p.receive(`{"op":7,"d":` + d + `}`)
		var de *DiscordError
		require.ErrorAs(t, err, &de)
		require.Equal(t, opcode.Reconnect, de.OpCode)
		require.True(t, de.CanReconnect() && de.CanResume())
		require.Equal(t, 1012, p.closedWith())
		require.True(t, p.HaveSessionID())
	}
}

func TestInvalidSession(t *testing.T) {
	for resumable, code := range map[bool]int{true: 1012, false: 1000} {
		p := activePeer(t)
		p.mustReceive(fmt.Sprintf(`{"op":9,"d":%v}`, resumable))
		require.Equal(t, 0, p.closedWith(), "the wait comes first")
		require.Contains(t, p.String(), ", identify,", "docs/phases.md says so")
		require.Equal(t, resumable, p.HaveSessionID())
		require.Equal(t, 3*time.Second, p.NextDeadline().Sub(epoch), "between 1 and 5 s")
		require.ErrorIs(t, p.Write(&p.text, command.UpdatePresence, nil), ErrNotReady)

		err := p.wait(3 * time.Second)
		var de *DiscordError
		require.ErrorAs(t, err, &de)
		require.Equal(t, opcode.InvalidSession, de.OpCode)
		require.True(t, de.CanReconnect())
		require.Equal(t, resumable, de.CanResume())
		require.Equal(t, code, p.closedWith())
		require.Equal(t, resumable, p.HaveSessionID())
	}
}

func TestInvalidSessionWhileWaitingToIdentify(t *testing.T) {
	p := newPeer(t, WithIdentifyRateLimiter(&gate{retry: epoch.Add(time.Second)}))
	p.mustReceive(hello, `{"op":9,"d":false}`)
	require.NoError(t, p.wait(time.Second))
	require.Empty(t, p.wrote(), "no identify on a connection that is about to end")
	var de *DiscordError
	require.ErrorAs(t, p.wait(5*time.Second), &de)
}

func TestBeforeHello(t *testing.T) {
	for _, m := range []string{`{"op":9,"d":false}`, `{"op":1}`, `{"op":11}`, ready} {
		p := newPeer(t)
		_, redundant, err := p.receive(m)
		require.NoError(t, err)
		require.True(t, redundant, "the server says hello first: %s", m)
		require.Empty(t, p.wrote())
	}
	_, _, err := newPeer(t).receive(`{"op":7}`)
	require.ErrorAs(t, err, new(*DiscordError), "unless it goes down")
}

func TestEveryCloseCode(t *testing.T) {
	codes := append([]closecode.Type{1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 4999}, closecode.All()...)
	for _, code := range codes {
		p := activePeer(t)
		err := p.ProcessCloseCode(code, "because", &p.close)
		var de *DiscordError
		require.ErrorAs(t, err, &de)
		require.Equal(t, code, de.CloseCode)
		require.Contains(t, err.Error(), "because")
		require.True(t, p.Closed())
		resume := code != 4007 && code != 4009 && de.CanReconnect()
		require.Equal(t, resume, de.CanResume(), code)
		require.Equal(t, resume, p.HaveSessionID(), code)
		if resume {
			require.Equal(t, 1012, p.closedWith(), code)
		} else {
			require.Equal(t, 1000, p.closedWith(), code)
		}
	}
}

// With ResumeFirst 4009 keeps the session, and is not answered with the 1000
// that would end it. CanResume stays Discord's table.
func TestSessionIsKeptAfterTimeout(t *testing.T) {
	p := activePeer(t, WithDecision(closecode.ResumeFirst))
	var de *DiscordError
	require.ErrorAs(t, p.ProcessCloseCode(4009, "", &p.close), &de)
	require.Equal(t, closecode.Resume, de.Decision())
	require.True(t, de.CanReconnect())
	require.False(t, de.CanResume())
	require.Equal(t, 1012, p.closedWith())
	session, ok := p.Session()
	require.True(t, ok)
	require.Equal(t, "abc", session.ID)

	p = activePeer(t, WithDecision(closecode.ResumeFirst))
	require.ErrorAs(t, p.ProcessCloseCode(4007, "", &p.close), &de)
	require.Equal(t, closecode.Identify, de.Decision())
	require.Equal(t, 1000, p.closedWith())
	require.False(t, p.HaveSessionID())
}

func TestDecisionsOfTheUser(t *testing.T) {
	for _, decision := range []closecode.Decision{closecode.Stop, closecode.Resume, closecode.Identify} {
		p := activePeer(t, WithDecision(func(code closecode.Type) closecode.Decision {
			if code == 4004 {
				return decision
			}
			return code.Decision()
		}))
		var de *DiscordError
		require.ErrorAs(t, p.ProcessCloseCode(4004, "", &p.close), &de)
		require.Equal(t, decision, de.Decision())
		require.Equal(t, decision == closecode.Resume, p.HaveSessionID())
	}
	_, err := NewGatewayState("token", WithDecision(nil))
	require.ErrorContains(t, err, "decision is nil")
}

func TestDecisionWithoutState(t *testing.T) {
	for _, code := range closecode.All() {
		require.Equal(t, code.Decision(), DiscordError{CloseCode: code}.Decision())
	}
	require.Equal(t, closecode.Resume, DiscordError{OpCode: opcode.Reconnect}.Decision())
	require.Equal(t, closecode.Identify, DiscordError{OpCode: opcode.InvalidSession}.Decision())
	require.Equal(t, closecode.Resume, DiscordError{OpCode: opcode.InvalidSession, resumable: true}.Decision())
	require.Equal(t, closecode.Stop, DiscordError{}.Decision())
}

func TestFatalCloseCodes(t *testing.T) {
	for code := closecode.Type(4000); code <= 4014; code++ {
		de := DiscordError{CloseCode: code}
		fatal := code == 4004 || code >= 4010
		require.Equal(t, !fatal, de.CanReconnect(), code)
	}
}

func TestClosedState(t *testing.T) {
	p := activePeer(t)
	require.NoError(t, p.Close())
	require.NoError(t, p.Close(), "closing twice is harmless")
	require.True(t, p.HaveSessionID())
	require.False(t, p.Active())
	_, _, err := p.receive(ready)
	require.ErrorIs(t, err, net.ErrClosed)
	_, _, err = p.ProcessMessage([]byte(ready), &p.text, &p.close)
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = p.ProcessPayload(&GatewayPayload{Op: opcode.Heartbeat}, &p.text, &p.close)
	require.ErrorIs(t, err, net.ErrClosed)
	require.ErrorIs(t, p.Write(&p.text, command.UpdatePresence, nil), net.ErrClosed)
	require.ErrorIs(t, p.WriteRestartClose(&p.close), net.ErrClosed)
	require.Equal(t, 0, p.closedWith())
	require.Contains(t, p.String(), "closed")
}

func TestNormalCloseEndsTheSession(t *testing.T) {
	p := activePeer(t)
	require.NoError(t, p.WriteNormalClose(&p.close))
	require.Equal(t, 1000, p.closedWith())
	_, ok := p.Session()
	require.False(t, ok)

	p = activePeer(t)
	boom := errors.New("boom")
	require.ErrorIs(t, p.WriteRestartClose(&failingReader{boom}), boom)
	require.True(t, p.Closed())
}

func TestInvalidSessionWithoutSession(t *testing.T) {
	p := newPeer(t)
	p.mustReceive(hello, `{"op":9,"d":true}`)
	var de *DiscordError
	require.ErrorAs(t, p.wait(5*time.Second), &de)
	require.True(t, de.CanReconnect())
	require.False(t, de.CanResume(), "there is nothing to resume")
	require.Equal(t, 1000, p.closedWith())
}

func TestInvalidSessionAgain(t *testing.T) {
	p := activePeer(t)
	p.mustReceive(`{"op":9,"d":false}`)
	p.Advance(epoch.Add(2 * time.Second))
	p.mustReceive(`{"op":9,"d":true}`)
	require.Equal(t, 3*time.Second, p.NextDeadline().Sub(epoch), "a server cannot put off the end")
	var de *DiscordError
	require.ErrorAs(t, p.wait(3*time.Second), &de)
	require.False(t, de.CanResume(), "the session was forgotten")
}

func TestNoCloseCode(t *testing.T) {
	p := activePeer(t)
	var de *DiscordError
	require.ErrorAs(t, p.ProcessCloseCode(0, "", &p.close), &de)
	require.Equal(t, closecode.NoStatus, de.CloseCode)
	require.True(t, de.CanResume())
	require.True(t, p.HaveSessionID())
}
