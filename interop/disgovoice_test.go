package interop

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/disgoorg/disgo"
	disgobot "github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/gateway"
	"github.com/disgoorg/disgo/rest"
	"github.com/disgoorg/disgo/voice"
	disgoflake "github.com/disgoorg/snowflake/v2"
	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceserver"
)

// A client of disgo, which cannot encrypt end to end, talks with one of ours.
func TestDisgoVoice(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"aead_aes256_gcm_rtpsize", "aead_xchacha20_poly1305_rtpsize"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			r := newVoiceRoom(t, false, voiceserver.WithModes(mode))
			r.bot = newDisgoVoice(r, foreignToken, r.ears)
			r.enter()
			r.joins()
			r.settles()
			r.talk()

			r.srv.Voice().Faults().Cut(ourID)
			r.until("to resume", func() bool { return r.srv.Voice().Stats().Resumes == 1 })
			r.settles()
			r.talk()

			require.NoError(t, r.bot.leave(r.ctx))
			r.until("to be alone", func() bool { return len(r.session.Users()) == 0 })
			require.NoError(t, r.bot.close(r.ctx))
			r.clean()
		})
	}
}

// A disgoVoice is also where disgo gets the frames to send from, and where it
// brings those that it received.
type disgoVoice struct {
	client *disgobot.Client
	ears   *diary
	conn   voice.Conn
	end    func() // the library's own Close may be called once only

	mu     sync.Mutex // guards what follows
	queue  [][]byte
	idle   int           // how often there was nothing to say since then
	spoken chan struct{} // closed when the library has ended the transmission
}

func newDisgoVoice(r *voiceRoom, token string, ears *diary) *disgoVoice {
	log := slog.New(complaints{ears})
	client, err := disgo.New(token,
		disgobot.WithLogger(log),
		disgobot.WithRestClientConfigOpts(rest.WithURL(r.srv.URL+"/api/v10")),
		disgobot.WithGatewayConfigOpts(gateway.WithIntents(gateway.IntentGuilds, gateway.IntentGuildVoiceStates)),
		disgobot.WithVoiceManagerConfigOpts(
			voice.WithDaveSessionLogger(log),
			voice.WithConnConfigOpts(voice.WithConnGatewayConfigOpts(voice.WithGatewayDialer(&websocket.Dialer{TLSClientConfig: r.srv.TLSClientConfig()}))),
		),
	)
	require.NoError(r.t, err)
	end := sync.OnceFunc(func() { client.Close(context.Background()) })
	r.t.Cleanup(end)
	return &disgoVoice{client: client, ears: ears, end: end}
}

func (b *disgoVoice) open(ctx context.Context) error { return b.client.OpenGateway(ctx) }

func (b *disgoVoice) join(ctx context.Context, guild, channel snowflake.ID) error {
	b.conn = b.client.VoiceManager.CreateConn(disgoflake.ID(guild))
	if err := b.conn.Open(ctx, disgoflake.ID(channel), false, false); err != nil {
		return err
	}
	b.conn.SetOpusFrameReceiver(b)
	b.conn.SetOpusFrameProvider(b)
	return nil
}

// ready does nothing: when the library has joined it is ready.
func (b *disgoVoice) ready(context.Context, string) error { return nil }

func (b *disgoVoice) say(ctx context.Context, frames [][]byte) error {
	spoken := make(chan struct{})
	b.mu.Lock()
	b.queue, b.idle, b.spoken = frames, 0, spoken
	b.mu.Unlock()
	select {
	case <-spoken:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ProvideOpusFrame returns nothing when there is nothing to say: five times for
// silence, and once more for the end of speaking.
func (b *disgoVoice) ProvideOpusFrame() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.queue) == 0 {
		if b.idle++; b.idle == 7 && b.spoken != nil {
			close(b.spoken)
		}
		return nil, nil
	}
	frame := b.queue[0]
	b.queue = b.queue[1:]
	return frame, nil
}

func (b *disgoVoice) ReceiveOpusFrame(user disgoflake.ID, packet *voice.Packet) error {
	if snowflake.ID(user) == ourID {
		b.ears.hear(append([]byte(nil), packet.Opus...))
	}
	return nil
}

// CleanupUser implements [voice.OpusFrameReceiver].
func (b *disgoVoice) CleanupUser(disgoflake.ID) {}

// Close implements [voice.OpusFrameReceiver] and [voice.OpusFrameProvider].
func (b *disgoVoice) Close() {}

func (b *disgoVoice) leave(ctx context.Context) error {
	b.conn.Close(ctx)
	return nil
}

func (b *disgoVoice) close(context.Context) error {
	b.end()
	return nil
}
