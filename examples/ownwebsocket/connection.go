package main

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/coder/websocket"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/opcode"
)

// A connection is one websocket, with the state of the protocol on it.
type connection struct {
	state      *gateway.GatewayState
	identifies bool // and identify was not written yet
	conn       *websocket.Conn
	traffic    lifecycle.Traffic
}

// open dials. The failure says what the host answered.
func (c *connection) open(ctx context.Context, target string, limit time.Duration) (failure lifecycle.HostFailure, err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, answer, err := websocket.Dial(ctx, target, nil)
	if err != nil {
		if answer != nil {
			failure.Status = answer.StatusCode
			failure.RetryAfter, _ = lifecycle.RetryAfter(answer.Header.Get("Retry-After"), time.Now())
		}
		return failure, err
	}
	conn.SetReadLimit(64 << 20) // a guild can be many megabytes
	c.conn = conn
	return failure, nil
}

// live leads the connection to its end, and returns why it ended. All calls to
// the machines come from this goroutine.
func (b *bot) live(ctx context.Context) error {
	defer b.conn.CloseNow()
	messages, done := make(chan message), make(chan struct{})
	defer close(done)
	go read(b.conn, messages, done)

	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(time.Until(b.deadline()))
		var err error
		select {
		case m := <-messages:
			err = b.receive(m)
		case <-timer.C:
			err = b.state.HandleTimeout(time.Now(), b.textFrames(), b.closeFrames())
		case <-ctx.Done():
			return b.state.WriteRestartClose(b.closeFrames()) // the next process may resume; WriteNormalClose ends the session
		}
		if err == nil {
			err = b.observe()
		}
		if err != nil {
			return err
		}
	}
}

// deadline returns when the state or the life has something to do.
func (b *bot) deadline() time.Time {
	first := time.Now().Add(time.Minute) // waking for nothing does no harm
	for _, at := range []time.Time{b.state.NextDeadline(), b.life.NextDeadline()} {
		if !at.IsZero() && at.Before(first) {
			first = at
		}
	}
	return first
}

// receive hands one message to the state, and the event in it to the handler.
func (b *bot) receive(m message) error {
	var closed websocket.CloseError
	switch {
	case errors.As(m.err, &closed):
		return b.state.ProcessCloseCode(closecode.Type(closed.Code), closed.Reason, b.closeFrames())
	case m.err != nil:
		return m.err // the network; the session goes on
	}
	b.traffic.Bytes += uint64(len(m.data))
	b.state.Advance(time.Now())
	payload, redundant, err := b.state.ProcessMessage(m.data, b.textFrames(), b.closeFrames())
	if err != nil || payload == nil || payload.Op != opcode.Dispatch {
		return err
	}
	b.traffic.Events++
	if !redundant {
		b.handle(payload.EventName, payload.Data)
	}
	return nil
}

type message struct {
	data []byte
	err  error
}

// read passes on messages until the connection ends. It has a goroutine of its
// own, so that heartbeats do not wait for a large message.
func read(conn *websocket.Conn, messages chan<- message, done <-chan struct{}) {
	for {
		_, data, err := conn.Read(context.Background()) // CloseNow ends it
		select {
		case messages <- message{data, err}:
		case <-done:
			return
		}
		if err != nil {
			return
		}
	}
}

// Each Write of the state is one frame.
type (
	textFrames  struct{ conn *websocket.Conn }
	closeFrames struct{ conn *websocket.Conn }
)

func (c *connection) textFrames() textFrames   { return textFrames{c.conn} }
func (c *connection) closeFrames() closeFrames { return closeFrames{c.conn} }

func (w textFrames) Write(p []byte) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return len(p), w.conn.Write(ctx, websocket.MessageText, p)
}

func (w closeFrames) Write(p []byte) (int, error) {
	return len(p), w.conn.Close(websocket.StatusCode(binary.BigEndian.Uint16(p)), "")
}
