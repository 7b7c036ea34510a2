package server

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
)

// beat is the interval of heartbeats in milliseconds: nobody beats while it is
// measured.
const beat = 600_000

// A message is one of either gateway.
type message struct {
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
}

// serve upgrades a request and hands all messages that come to receive, which
// answers. It greets first.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, hello string, receive func(c net.Conn, m message) error) {
	c, _, _, err := ws.UpgradeHTTP(r, w)
	if err != nil {
		return
	}
	defer s.drop(c)
	if !s.keep(c) || send(c, "%s", hello) != nil {
		return
	}
	for {
		text, _, err := wsutil.ReadClientData(c)
		if err != nil {
			return
		}
		var m message
		if json.Unmarshal(text, &m) != nil || receive(c, m) != nil {
			return
		}
	}
}

func send(c net.Conn, format string, args ...any) error {
	return wsutil.WriteServerText(c, fmt.Appendf(nil, format, args...))
}

// serveVoice is the voice gateway.
func (s *Server) serveVoice(w http.ResponseWriter, r *http.Request) {
	var ssrc uint32
	seq := 0
	numbered := func(c net.Conn, op int, d string) error {
		seq++
		return send(c, `{"op":%d,"seq":%d,"d":%s}`, op, seq, d)
	}
	s.serve(w, r, fmt.Sprintf(`{"op":8,"d":{"v":8,"heartbeat_interval":%d}}`, beat), func(c net.Conn, m message) error {
		switch m.Op {
		case 0:
			ssrc = s.ssrc.Add(1)
			return numbered(c, 2, fmt.Sprintf(`{"ssrc":%d,"ip":"127.0.0.1","port":%d,"modes":["aead_aes256_gcm_rtpsize","aead_xchacha20_poly1305_rtpsize","%s"],"heartbeat_interval":%d}`,
				ssrc, s.port(), legacy, beat))
		case 1:
			var d struct{ Data struct{ Mode string } }
			if err := json.Unmarshal(m.D, &d); err != nil {
				return err
			}
			s.client(ssrc).choose(d.Data.Mode)
			key, err := json.Marshal(Key)
			if err != nil {
				return err
			}
			if err := numbered(c, 4, fmt.Sprintf(`{"mode":%q,"secret_key":%s,"dave_protocol_version":0}`, d.Data.Mode, key)); err != nil {
				return err
			}
			return numbered(c, 5, fmt.Sprintf(`{"user_id":"99","ssrc":%d,"speaking":1,"delay":0}`, ssrc+speaker))
		case 3:
			return send(c, `{"op":6,"d":%s}`, m.D)
		}
		return nil
	})
}

// serveURL tells where the main gateway is.
func (s *Server) serveURL(w http.ResponseWriter, _ *http.Request) {
	_, _ = fmt.Fprintf(w, `{"url":"wss://%s/main"}`, s.http.Listener.Addr())
}

// serveMain is the main gateway, where everybody is user 1.
func (s *Server) serveMain(w http.ResponseWriter, r *http.Request) {
	s.serve(w, r, fmt.Sprintf(`{"op":10,"d":{"heartbeat_interval":%d}}`, beat), func(c net.Conn, m message) error {
		switch m.Op {
		case 1:
			return send(c, `{"op":11}`)
		case 2:
			return send(c, `{"op":0,"t":"READY","s":1,"d":{"v":10,"user":{"id":"1"},"session_id":"main","guilds":[],"resume_gateway_url":"wss://%s/main"}}`,
				s.http.Listener.Addr())
		case 4:
			var d struct {
				Guild   string `json:"guild_id"`
				Channel string `json:"channel_id"`
			}
			if err := json.Unmarshal(m.D, &d); err != nil {
				return err
			}
			state, server := Introduction(s.http.Listener.Addr().String(), d.Guild, d.Channel)
			if err := send(c, `{"op":0,"t":"VOICE_STATE_UPDATE","s":2,"d":%s}`, state); err != nil {
				return err
			}
			return send(c, `{"op":0,"t":"VOICE_SERVER_UPDATE","s":3,"d":%s}`, server)
		}
		return nil
	})
}

// Introduction returns the two events by which user 1 is sent to a server.
func Introduction(host, guild, channel string) (state, server []byte) {
	state = fmt.Appendf(nil, `{"guild_id":%q,"channel_id":%q,"user_id":"1","session_id":"session"}`, guild, channel)
	return state, fmt.Appendf(nil, `{"guild_id":%q,"token":"token","endpoint":%q}`, guild, host)
}
