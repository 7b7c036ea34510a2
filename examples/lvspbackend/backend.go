package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/discordpkg/gateway/lvsp"
)

// A backend is a client of the protocol on a websocket. Everything about the
// client happens in one goroutine.
type backend struct {
	url    string
	http   *http.Client // nil for the usual one
	client *lvsp.Client
	print  func(text string)
}

// run keeps the link and follows commands until ctx ends, or the voice server
// does not take the secret.
func (b *backend) run(ctx context.Context, commands <-chan string) error {
	for {
		code, reason := b.live(ctx, commands)
		if ctx.Err() != nil {
			return nil
		}
		b.client.Lost(time.Now(), code, reason)
		retryAt := b.tell()
		if retryAt.IsZero() {
			return fmt.Errorf("%v: %s", code, reason)
		}
		// What is commanded meanwhile is done when the link is back.
		for timer := time.NewTimer(time.Until(retryAt)); timer != nil; {
			select {
			case line := <-commands:
				b.follow(line)
			case <-timer.C:
				timer = nil
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// live leads one websocket from the dial to its end, and returns its close code.
func (b *backend) live(ctx context.Context, commands <-chan string) (lvsp.CloseCode, string) {
	conn, _, err := websocket.Dial(ctx, b.url, &websocket.DialOptions{HTTPClient: b.http})
	if err != nil {
		return lvsp.AbnormalClosure, err.Error()
	}
	defer conn.CloseNow()
	conn.SetReadLimit(lvsp.MaxMessage)
	messages, done := make(chan message), make(chan struct{})
	defer close(done)
	go read(conn, messages, done)

	b.client.Dialed(time.Now())
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if err := b.send(ctx, conn); err != nil {
			return lvsp.AbnormalClosure, err.Error()
		}
		b.tell()
		if at := b.client.NextDeadline(); !at.IsZero() {
			timer.Reset(time.Until(at))
		}
		select {
		case m := <-messages:
			if m.err != nil {
				return why(m.err)
			}
			b.client.Receive(time.Now(), m.data)
		case line := <-commands:
			b.follow(line)
		case <-timer.C:
			b.client.HandleTimeout(time.Now())
		case <-ctx.Done():
			b.client.Close()
			_ = b.send(context.WithoutCancel(ctx), conn)
			return lvsp.NormalClosure, ""
		}
	}
}

// why returns what a websocket ended with.
func why(err error) (lvsp.CloseCode, string) {
	var closed websocket.CloseError
	if errors.As(err, &closed) {
		return lvsp.CloseCode(closed.Code), closed.Reason
	}
	return lvsp.AbnormalClosure, err.Error()
}

type message struct {
	data []byte
	err  error
}

// read passes on messages until the connection ends.
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

// send writes what the client wants sent.
func (b *backend) send(ctx context.Context, conn *websocket.Conn) error {
	for f, ok := b.client.Next(); ok; f, ok = b.client.Next() {
		if f.Kind == lvsp.FrameClose {
			code, reason := f.Close()
			return conn.Close(websocket.StatusCode(code), reason)
		}
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := conn.Write(ctx, websocket.MessageText, f.Data)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// tell prints what happened, and returns when to dial again.
func (b *backend) tell() (retryAt time.Time) {
	for e, ok := b.client.NextEvent(); ok; e, ok = b.client.NextEvent() {
		switch e := e.(type) {
		case lvsp.Connected:
			b.print(fmt.Sprintf("connected, resumed %t, health %.2f", e.Resumed, e.Health))
		case lvsp.Disconnected:
			b.print(fmt.Sprintf("disconnected: %v %s", e.Code, e.Reason))
			retryAt = e.RetryAt
		case lvsp.StateCreated:
			// VOICE_STATE_UPDATE has the session id, VOICE_SERVER_UPDATE the rest. A
			// real backend keeps the token to itself and the user.
			b.print(fmt.Sprintf("user %d: session %s, endpoint %s, token %s", e.State.User, e.State.SessionID, e.Endpoint, e.Token))
		case lvsp.StateEnded:
			b.print(fmt.Sprintf("user %d is gone", e.State.User))
		case lvsp.Refused:
			b.print(e.Err.Error())
		}
	}
	return retryAt
}
