package main

import (
	"context"
	"encoding/binary"
	"errors"
	"log"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/coder/websocket"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/closecode"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/opcode"
)

type bot struct {
	token   string
	options []gateway.Option
	handle  func(name event.Type, data gateway.RawMessage) // heartbeats wait for it
}

// run connects again and again, and continues the session when there is one,
// until ctx ends or Discord says that there is no point in going on.
func (b *bot) run(ctx context.Context) error {
	var session gateway.Session
	for failures := 0; ; failures++ {
		state, err := gateway.NewGatewayState(b.token, slices.Concat(b.options, []gateway.Option{gateway.WithSession(session)})...)
		if err != nil {
			return err
		}
		began := time.Now()
		err = b.live(ctx, state)
		session, _ = state.Session()

		var discord *gateway.DiscordError
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.As(err, &discord) && !discord.CanReconnect():
			return err // a wrong token, an intent that is not enabled
		case time.Since(began) > time.Minute:
			failures = 0
		}
		log.Print("connecting again: ", err)
		select {
		case <-time.After(pause(failures)):
		case <-ctx.Done():
			return nil
		}
	}
}

// pause returns how long to wait after a number of failures: a second, doubled
// each time up to about two minutes, less a random part.
func pause(failures int) time.Duration {
	longest := time.Second << min(failures, 7)
	return longest - rand.N(longest/2)
}

// live leads one connection from the dial to its end, and returns why it
// ended. All calls to the state come from this goroutine.
func (b *bot) live(ctx context.Context, state *gateway.GatewayState) error {
	conn, err := dial(ctx, state)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	text, closer := textFrames{conn}, closeFrames{conn}

	messages, done := make(chan message), make(chan struct{})
	defer close(done)
	go read(conn, messages, done)

	timer := time.NewTimer(30 * time.Second) // for Hello, which sets the first deadline
	defer timer.Stop()
	for {
		next := state.NextDeadline()
		if !next.IsZero() {
			timer.Reset(time.Until(next))
		}
		select {
		case m := <-messages:
			err = b.receive(state, m, text, closer)
		case <-timer.C:
			if next.IsZero() {
				return errors.New("no hello")
			}
			err = state.HandleTimeout(time.Now(), text, closer)
		case <-ctx.Done():
			return state.WriteRestartClose(closer) // the next process may resume; WriteNormalClose ends the session
		}
		if err != nil {
			return err
		}
	}
}

// receive hands one message to the state, and the event in it to the handler.
func (b *bot) receive(state *gateway.GatewayState, m message, text textFrames, closer closeFrames) error {
	var closed websocket.CloseError
	switch {
	case errors.As(m.err, &closed):
		return state.ProcessCloseCode(closecode.Type(closed.Code), closed.Reason, closer)
	case m.err != nil:
		return m.err // the network; the session goes on
	}
	state.Advance(time.Now())
	payload, redundant, err := state.ProcessMessage(m.data, text, closer)
	if err == nil && !redundant && payload.Op == opcode.Dispatch {
		b.handle(payload.EventName, payload.Data)
	}
	return err
}

// dial goes where the session can be resumed, and else where everybody goes.
func dial(ctx context.Context, state *gateway.GatewayState) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, state.DialURL(), nil)
	if err != nil && state.DialURL() != state.URL() {
		conn, _, err = websocket.Dial(ctx, state.URL(), nil)
	}
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(64 << 20) // a guild can be many megabytes
	return conn, nil
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

func (w textFrames) Write(p []byte) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return len(p), w.conn.Write(ctx, websocket.MessageText, p)
}

func (w closeFrames) Write(p []byte) (int, error) {
	return len(p), w.conn.Close(websocket.StatusCode(binary.BigEndian.Uint16(p)), "")
}
