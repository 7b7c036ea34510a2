package contestant

import (
	"context"
	"log/slog"

	"github.com/disgoorg/disgo/gateway"
	"github.com/gorilla/websocket"
)

// disgoGateway is the gateway of disgo alone, without bot, cache and REST.
func disgoGateway(ctx context.Context, j Job, mark func()) error {
	handle := func(_ gateway.Gateway, t gateway.EventType, _ int, _ gateway.EventData) {
		if t == gateway.EventTypeUserUpdate {
			mark()
		}
	}
	compression := gateway.CompressionType(j.Compress)
	if j.Compress == "payload" {
		compression = gateway.CompressionZlibPayload
	}
	options := []gateway.ConfigOpt{
		gateway.WithURL(j.url()),
		gateway.WithIntents(gateway.IntentsAll),
		gateway.WithCompression(compression),
		gateway.WithEnableResumeURL(false), // it leads nowhere
		gateway.WithLogger(slog.New(slog.DiscardHandler)),
	}
	if j.TLS {
		config, err := j.tls()
		if err != nil {
			return err
		}
		dialer := &websocket.Dialer{TLSClientConfig: config, HandshakeTimeout: websocket.DefaultDialer.HandshakeTimeout}
		options = append(options, gateway.WithDialer(dialer))
	}
	return gateway.New(Token, handle, options...).Open(ctx)
}
