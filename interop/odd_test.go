package interop

import (
	"bytes"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/compress"
	"github.com/discordpkg/gateway/gatewayshard"
)

const (
	bareHello = `{"op":10,"d":{"heartbeat_interval":41250}}`
	bareReady = `{"op":0,"t":"READY","s":0,"d":{"session_id":"odd"}}`
)

// Hello without s and t, a first sequence of 0, no resume URL, an event that
// Discord does not document, acknowledgements and op 7 with data.
func TestOddPayloads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := serveOddly(t, func(n int, c *oddConn) {
			c.send(bareHello)
			switch n {
			case 1:
				c.expectIdentify()
				c.send(bareReady)
				c.send(`{"op":1}`)
				require.JSONEq(c.t, `0`, string(c.expect(1)))
				c.send(`{"op":0,"t":"READY_SUPPLEMENTAL","s":1,"d":{"merged_members":[]}}`)
				c.send(`{"op":0,"t":"MESSAGE_CREATE","s":2,"d":{"content":"first"}}`)
				c.send(`{"op":7,"d":1,"s":null,"t":null}`)
				c.expectClose(true)
			case 2:
				c.expectResume(2)
				c.send(`{"op":0,"t":"MESSAGE_CREATE","s":3,"d":{"content":"second"}}`)
				c.send(`{"op":0,"t":"RESUMED","s":4,"d":{}}`)
				c.expectClose(true)
			}
		})
		bot := runOddly(t, srv, gatewayshard.Config{})
		bot.sees("READY", "READY_SUPPLEMENTAL", `MESSAGE_CREATE {"content":"first"}`, `MESSAGE_CREATE {"content":"second"}`, "RESUMED")
		bot.stop()
		require.Len(t, srv.dials, 2)
	})
}

// A session can be resumed at sequence 0, after a close frame without a code.
func TestOddResumeAtZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := serveOddly(t, func(n int, c *oddConn) {
			c.send(bareHello)
			switch n {
			case 1:
				c.expectIdentify()
				c.send(bareReady)
				require.NoError(c.t, c.ws.WriteMessage(websocket.CloseMessage, nil))
			case 2:
				c.expectResume(0)
				c.send(`{"op":0,"t":"RESUMED","s":1,"d":{}}`)
				c.expectClose(true)
			}
		})
		bot := runOddly(t, srv, gatewayshard.Config{})
		bot.sees("READY", "RESUMED")
		bot.stop()
	})
}

// Op 9 does not close the connection, and the new session has the id and the
// sequence numbers of the old one.
func TestOddInvalidSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := serveOddly(t, func(n int, c *oddConn) {
			c.send(bareHello)
			c.expectIdentify()
			c.send(bareReady)
			c.send(`{"op":0,"t":"MESSAGE_CREATE","s":1,"d":{"content":"%d"}}`, n)
			if n == 1 {
				c.send(`{"op":9}`)
			}
			c.expectClose(n > 1)
		})
		bot := runOddly(t, srv, gatewayshard.Config{})
		bot.sees("READY", `MESSAGE_CREATE {"content":"1"}`, "READY", `MESSAGE_CREATE {"content":"2"}`)
		session, ok := bot.shard.Session()
		require.True(t, ok)
		require.Equal(t, gateway.Session{ID: "odd", Seq: 1}, session)
		bot.stop()
	})
}

// A wrong token earns 4000, which says that one may try again: the shard does
// so, but ever more slowly, and says what may be the matter.
func TestOddWrongToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := serveOddly(t, func(_ int, c *oddConn) {
			c.send(bareHello)
			c.expectIdentify()
			c.close(4000, "authentication failed")
		})
		var log bytes.Buffer
		bot := runOddly(t, srv, gatewayshard.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		<-time.After(24 * time.Hour) // in the bubble
		bot.stop()
		require.Less(t, len(srv.dials), 1000, "Discord resets the token of a bot that identifies so often")
		require.Greater(t, len(srv.dials), 100)
		require.Contains(t, log.String(), "level=ERROR")
		require.Contains(t, log.String(), "check token")
		require.NotContains(t, log.String(), oddToken)
	})
}

// One zstd frame for each message, where Discord has one for the connection.
func TestOddZstd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := serveOddly(t, func(n int, c *oddConn) {
			enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
			require.NoError(c.t, err)
			defer enc.Close()
			c.pack = func(msg []byte) []byte { return enc.EncodeAll(msg, nil) }
			c.send(bareHello)
			c.expectIdentify()
			c.send(bareReady)
			for i := range 100 {
				c.send(`{"op":0,"t":"MESSAGE_CREATE","s":%d,"d":{"content":"%d"}}`, i+1, i)
			}
			c.expectClose(true)
		})
		bot := runOddly(t, srv, gatewayshard.Config{}, gateway.WithTransportCompression(compress.NewZstdStream))
		bot.sees("READY")
		for range 100 {
			bot.sees("MESSAGE_CREATE")
		}
		bot.stop()
		require.Equal(t, "zstd-stream", srv.dials[0].Query().Get("compress"))
	})
}

// Messages in many fragments, with pings between them.
func TestOddFragments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pongs := 0
		srv := serveOddly(t, func(_ int, c *oddConn) {
			c.ws.SetPongHandler(func(string) error { pongs++; return nil })
			c.send(bareHello)
			c.expectIdentify()
			c.send(bareReady)
			go func() { // the client answers pings meanwhile
				if err := writePieces(c.ws, `{"op":0,"t":"MESSAGE_CREATE","s":1,"d":{"content":"in pieces"}}`); err != nil {
					c.t.Error(err)
				}
			}()
			c.expectClose(true)
		})
		srv.upgrader.WriteBufferSize = 24
		bot := runOddly(t, srv, gatewayshard.Config{})
		bot.sees("READY", `MESSAGE_CREATE {"content":"in pieces"}`)
		bot.stop()
		require.Equal(t, 7, pongs)
	})
}

// writePieces writes a message that is longer than the library's buffer, which
// makes it fragments, and pings after each ten bytes.
func writePieces(ws *websocket.Conn, msg string) error {
	w, err := ws.NextWriter(websocket.TextMessage)
	if err != nil {
		return err
	}
	for i := range len(msg) {
		if _, err := w.Write([]byte(msg[i : i+1])); err != nil {
			return err
		}
		if i%10 == 0 {
			if err := ws.WriteControl(websocket.PingMessage, []byte("still there?"), time.Time{}); err != nil {
				return err
			}
		}
	}
	return w.Close()
}

// Parameters that only this server knows stay in the URL.
func TestOddParameters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := serveOddly(t, func(_ int, c *oddConn) {
			c.send(bareHello)
			c.expectIdentify()
			c.send(bareReady)
			c.expectClose(true)
		})
		bot := runOddly(t, srv, gatewayshard.Config{}, gateway.WithURL("ws://odd/gate/way?v=10&encoding=json&version=9"))
		bot.sees("READY")
		bot.stop()
		require.Equal(t, "/gate/way", srv.dials[0].Path)
		require.Equal(t, "9", srv.dials[0].Query().Get("version"))
	})
}
