package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/bench/voice/server"
	"github.com/discordpkg/gateway/internal/rtp"
)

// A member is a client that can do no more than it must.
type member struct {
	ws     net.Conn
	media  *net.UDPConn
	ssrc   uint32
	sealer *rtp.Sealer
	stream rtp.Stream
	buffer []byte
}

// listening is how many of the channels have members that read what they are
// sent: one in so many. Nobody reads the datagrams of the others, which the
// system drops, because reading them all takes more than the server does.
const listening = 20

// serveCrowd is the child with all clients.
func serveCrowd(ctx context.Context, in io.Reader, out io.Writer) error {
	var members []*member
	var heard atomic.Uint64
	return answer(in, out, func(d door) (any, error) {
		if err := process.AllowFiles(2*len(d.Tokens) + 100); err != nil {
			return nil, err
		}
		for i, token := range d.Tokens {
			m, err := enter(ctx, d.Endpoint, token, i)
			if err != nil {
				return nil, err
			}
			members = append(members, m)
			if i/channelSize%listening == 0 {
				go m.listen(&heard)
			}
		}
		time.Sleep(300 * time.Millisecond) // the server has heard that they speak
		return len(members), nil
	}, func(s step) (any, error) {
		e, err := speak(members, s)
		e.Heard = heard.Load()
		return e, err
	})
}

// enter joins as member i.
func enter(ctx context.Context, endpoint, token string, i int) (*member, error) {
	conn, _, _, err := ws.Dial(ctx, "ws://"+endpoint+"/?v=8")
	if err != nil {
		return nil, err
	}
	m := &member{ws: conn, buffer: make([]byte, 0, 1500)}
	if err := m.tell(`{"op":0,"d":{"server_id":"%d","user_id":"%d","session_id":%q,"token":%q,"max_dave_protocol_version":0}}`,
		1+i/channelSize, 1+i, session, token); err != nil {
		return nil, err
	}
	var ready struct {
		SSRC uint32
		IP   string
		Port uint16
	}
	if err := m.await(2, &ready); err != nil {
		return nil, err
	}
	addr, err := netip.ParseAddr(ready.IP)
	if err != nil {
		return nil, err
	}
	m.ssrc, m.stream.SSRC = ready.SSRC, ready.SSRC
	return m, m.agree(netip.AddrPortFrom(addr, ready.Port))
}

// agree gets a key for audio, and announces it.
func (m *member) agree(server netip.AddrPort) error {
	own, err := m.discover(server)
	if err != nil {
		return err
	}
	if err := m.tell(`{"op":1,"d":{"protocol":"udp","data":{"address":%q,"port":%d,"mode":%q}}}`, own.Addr(), own.Port(), rtp.AES256GCM); err != nil {
		return err
	}
	var description struct {
		Key [rtp.KeySize]byte `json:"secret_key"`
	}
	if err := m.await(4, &description); err != nil {
		return err
	}
	if m.sealer, err = rtp.NewSealer(rtp.AES256GCM, description.Key[:], rtp.ClientNonces()); err != nil {
		return err
	}
	return m.tell(`{"op":5,"d":{"speaking":1,"delay":0,"ssrc":%d}}`, m.ssrc)
}

func (m *member) tell(format string, args ...any) error {
	return wsutil.WriteClientText(m.ws, fmt.Appendf(nil, format, args...))
}

// await reads messages up to one with an opcode.
func (m *member) await(op int, into any) error {
	for {
		text, err := wsutil.ReadServerText(m.ws)
		if err != nil {
			return fmt.Errorf("waiting for opcode %d: %w", op, err)
		}
		message := struct {
			Op int
			D  json.RawMessage
		}{Op: -1}
		if err := json.Unmarshal(text, &message); err != nil {
			return err
		}
		if message.Op == op {
			return json.Unmarshal(message.D, into)
		}
	}
}

// discover opens the socket and returns its address.
func (m *member) discover(server netip.AddrPort) (own netip.AddrPort, err error) {
	if m.media, err = net.DialUDP("udp4", nil, net.UDPAddrFromAddrPort(server)); err != nil {
		return own, err
	}
	if _, err := m.media.Write(rtp.AppendDiscoveryRequest(nil, m.ssrc)); err != nil {
		return own, err
	}
	if err := m.media.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return own, err
	}
	b := make([]byte, 100)
	n, err := m.media.Read(b)
	if err != nil {
		return own, err
	}
	_, own, err = rtp.ParseDiscoveryResponse(b[:n])
	return own, errors.Join(err, m.media.SetReadDeadline(time.Time{}))
}

// listen counts what comes.
func (m *member) listen(heard *atomic.Uint64) {
	b := make([]byte, 2048)
	for {
		if _, err := m.media.Read(b); err != nil {
			return
		}
		heard.Add(1)
	}
}

// say sends a packet.
func (m *member) say() error {
	p := rtp.Packet{Header: m.stream.Next(960), Payload: server.Frame}
	n, err := p.MarshalTo(m.buffer[:cap(m.buffer)])
	if err != nil {
		return err
	}
	b, err := m.sealer.Seal(m.buffer[:n])
	if err != nil {
		return err
	}
	_, err = m.media.Write(b)
	return err
}

// speak has the first members of each channel speak, all at an even rate. When
// it cannot keep up, it sends less. A step without speakers is none.
func speak(members []*member, s step) (e effort, err error) {
	var speakers []*member
	var ears []uint64 // how many hear each of them
	for i, m := range members {
		if i%channelSize < s.Speakers {
			speakers = append(speakers, m)
			n := uint64(0)
			if i/channelSize%listening == 0 {
				n = channelSize - 1
			}
			ears = append(ears, n)
		}
	}
	if len(speakers) == 0 {
		return e, nil
	}
	start := time.Now()
	perSecond := float64(len(speakers) * s.Rate)
	next := 0
	for due := 0.0; ; time.Sleep(time.Millisecond) {
		passed := time.Since(start)
		if passed > s.Time {
			break
		}
		now := passed.Seconds() * perSecond
		due = max(due, now-perSecond/20) // what is more than 50 ms late is left out
		for ; due < now; due++ {
			if err := speakers[next].say(); err != nil {
				return e, err
			}
			e.Sent++
			e.Expected += ears[next]
			next = (next + 1) % len(speakers)
		}
	}
	return e, nil
}
