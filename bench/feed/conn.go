package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"github.com/discordpkg/gateway/opcode"
)

// feed is the life of one connection, until the client closes it. The client
// leaving in whatever way is no error. There are no sessions: who resumes gets
// the plan from its beginning.
func (s *Server) feed(conn net.Conn, client io.Reader, p part) error {
	text, err := s.script(p)
	if err != nil {
		return err
	}
	if _, err = conn.Write(text.hello); err != nil {
		return nil //nolint:nilerr // the client has left
	}
	var (
		beats   = make(chan struct{}, acks)
		playing sync.WaitGroup
	)
	defer func() {
		close(beats)
		_ = conn.Close()
		playing.Wait()
	}()
	for identified := false; ; {
		op, msg, err := p.wire.read(client)
		switch {
		case errors.Is(err, errGone):
			return nil
		case err != nil:
			return err
		case op == opcode.Heartbeat && len(beats) < acks:
			beats <- struct{}{}
		case (op == opcode.Identify || op == opcode.Resume) && !identified:
			if text, err = s.identified(p, msg); err != nil {
				return err
			}
			identified = true
			playing.Go(func() { text.play(conn, beats) })
		}
	}
}

// identified returns what to write after an identify, which may ask for
// compression.
func (s *Server) identified(p part, msg []byte) (text script, err error) {
	if p.wire, err = p.wire.identifiesWith(msg); err != nil {
		return text, err
	}
	return s.script(p)
}

// distance is what a heartbeat's answer takes. Without any, disgo would now and
// then see the answer before it has noted the question, and reconnect.
const distance = 20 * time.Millisecond

// play writes the body, then an answer to each heartbeat.
func (s script) play(conn net.Conn, beats <-chan struct{}) {
	if _, err := conn.Write(s.body); err != nil {
		return
	}
	for _, ack := range s.acks {
		if _, ok := <-beats; !ok {
			return
		}
		time.Sleep(distance)
		if _, err := conn.Write(ack); err != nil {
			return
		}
	}
}

// maxCommand is the size of a client's message, in bytes.
const maxCommand = 4096

// errGone is the end of a connection.
var errGone = errors.New("feed: client is gone")

// read returns the next message of a client.
func (w Wire) read(client io.Reader) (op opcode.Type, msg []byte, err error) {
	for {
		head, err := ws.ReadHeader(client)
		if err != nil {
			return 0, nil, errGone
		}
		if head.Length > maxCommand || !head.Fin {
			return 0, nil, fmt.Errorf("feed: a client sent %d bytes, or a fragment", head.Length)
		}
		msg = make([]byte, head.Length)
		if _, err = io.ReadFull(client, msg); err != nil {
			return 0, nil, errGone
		}
		ws.Cipher(msg, head.Mask, 0)
		switch head.OpCode {
		case ws.OpText, ws.OpBinary:
			op, err := w.opcode(msg)
			return op, msg, err
		case ws.OpClose:
			return 0, nil, errGone
		}
	}
}

func (w Wire) opcode(msg []byte) (opcode.Type, error) {
	if w.Encoding == "etf" {
		op, _, _, _, err := discord.Split(msg)
		return opcode.Type(op), err
	}
	var command struct {
		Op opcode.Type `json:"op"`
	}
	if err := json.Unmarshal(msg, &command); err != nil {
		return 0, fmt.Errorf("feed: command: %w", err)
	}
	return command.Op, nil
}
