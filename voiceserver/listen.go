package voiceserver

import (
	"crypto/tls"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/discordpkg/gateway/internal/certificate"
	"github.com/discordpkg/gateway/internal/websocket"
	"github.com/discordpkg/gateway/voiceserver/relay"
	"github.com/discordpkg/gateway/voiceserver/signaling"
)

// listen opens what the settings do not bring along.
func (s *Server) listen() error {
	l := s.cfg.listener
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return fmt.Errorf("voiceserver: %w", err)
		}
	}
	var err error
	if s.listener, err = s.guard(l, s.cfg.connections+signaling.MaxLogins); err != nil {
		return err
	}
	if err := s.secure(l); err != nil {
		closeAll(s.cfg.sockets)
		return err
	}
	sockets := s.cfg.sockets
	if len(sockets) == 0 {
		host, _, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			host = "127.0.0.1"
		}
		for range s.cfg.ports {
			socket, err := net.ListenPacket("udp", net.JoinHostPort(host, "0"))
			if err != nil {
				closeAll(sockets)
				return fmt.Errorf("voiceserver: %w", err)
			}
			sockets = append(sockets, socket)
		}
	}
	return s.open(sockets)
}

func closeAll(sockets []net.PacketConn) {
	for _, socket := range sockets {
		_ = socket.Close()
	}
}

func (s *Server) secure(l net.Listener) error {
	switch {
	case s.cfg.plain:
		return nil
	case s.cfg.tls != nil:
		s.listener.config = s.cfg.tls.Clone()
	case s.cfg.pair != nil:
		s.cert = s.cfg.parsed
		s.listener.config = &tls.Config{Certificates: []tls.Certificate{*s.cfg.pair}}
	default:
		pair, parsed, err := certificate.SelfSigned("voiceserver", time.Now(), l.Addr())
		if err != nil {
			return fmt.Errorf("voiceserver: %w", err)
		}
		s.cert = parsed
		s.listener.config = &tls.Config{Certificates: []tls.Certificate{pair}}
	}
	s.listener.config.NextProtos = []string{"http/1.1"} // websockets do not work over HTTP/2
	return nil
}

// open makes a port of each socket.
func (s *Server) open(sockets []net.PacketConn) error {
	for i, socket := range sockets {
		public, err := s.public(socket)
		if err != nil {
			closeAll(sockets[i:])
			return err
		}
		audio, err := relay.New(append(slices.Clone(s.cfg.audio), relay.WithSeed(s.cfg.seed+uint64(i)))...)
		if err != nil {
			closeAll(sockets[i:])
			return err
		}
		s.ports = append(s.ports, newPort(socket, public, audio))
	}
	return nil
}

// public returns the address that clients are told to send audio to.
func (s *Server) public(socket net.PacketConn) (netip.AddrPort, error) {
	local, err := netip.ParseAddrPort(socket.LocalAddr().String())
	if err != nil {
		return netip.AddrPort{}, errNoAddress
	}
	addr := local.Addr()
	if own, ok := netip.AddrFromSlice(s.cfg.address); ok {
		addr = own
	} else if addr.IsUnspecified() {
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return netip.AddrPortFrom(addr.Unmap().WithZone(""), local.Port()), nil
}

// quiet is for what strangers make net/http complain about.
func quiet(l *slog.Logger) *log.Logger { return slog.NewLogLogger(l.Handler(), slog.LevelDebug) }

// handshakeByte is the first byte of a TLS connection.
//
// https://www.rfc-editor.org/rfc/rfc8446#section-5.1
const handshakeByte = 22

// A sniffedConn becomes one with or without TLS by its first byte.
// It is read before it is written to.
type sniffedConn struct {
	net.Conn
	config *tls.Config
	sniff  bool                     // else TLS it is
	chosen atomic.Pointer[net.Conn] // nil before the first byte
}

// Read decides if need be.
func (u *sniffedConn) Read(p []byte) (int, error) {
	if u.chosen.Load() == nil {
		var first [1]byte
		if _, err := u.Conn.Read(first[:]); err != nil {
			return 0, err
		}
		var chosen net.Conn = &prefixedConn{Conn: u.Conn, first: first[:]}
		if first[0] == handshakeByte || !u.sniff {
			chosen = tls.Server(chosen, u.config)
		}
		u.chosen.Store(&chosen)
	}
	return (*u.chosen.Load()).Read(p)
}

// Write writes in the clear as long as nothing is decided.
func (u *sniffedConn) Write(p []byte) (int, error) {
	if chosen := u.chosen.Load(); chosen != nil {
		return (*chosen).Write(p)
	}
	return u.Conn.Write(p)
}

// Close says farewell as TLS demands.
func (u *sniffedConn) Close() error {
	if chosen := u.chosen.Load(); chosen != nil {
		return (*chosen).Close()
	}
	return u.Conn.Close()
}

// CloseWrite closes the connection for writing.
func (u *sniffedConn) CloseWrite() error {
	if chosen := u.chosen.Load(); chosen != nil {
		return websocket.CloseWrite(*chosen)
	}
	return websocket.CloseWrite(u.Conn)
}

// A prefixedConn gives back what was read from a connection.
type prefixedConn struct {
	net.Conn
	first []byte
}

// CloseWrite closes the connection for writing.
func (r *prefixedConn) CloseWrite() error { return websocket.CloseWrite(r.Conn) }

func (r *prefixedConn) Read(p []byte) (int, error) {
	if len(r.first) > 0 {
		n := copy(p, r.first)
		r.first = r.first[n:]
		return n, nil
	}
	return r.Conn.Read(p)
}
