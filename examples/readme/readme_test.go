package readme

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/discordpkg/gateway"
	"github.com/discordpkg/gateway/event"
	"github.com/discordpkg/gateway/gatewayshard"
	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/intent"
	"github.com/discordpkg/gateway/lifecycle"
	"github.com/discordpkg/gateway/sharding"
	"github.com/discordpkg/gateway/voiceshard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// blocks returns the Go code of a page.
func blocks(t *testing.T, page string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, m := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		all = append(all, m[1])
	}
	require.NotEmpty(t, all)
	return all
}

// lines returns code without its indentation.
func lines(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// TestReadmeIsHere wants each block to stand in a file of this package, which is
// compiled and run, or to be a whole program.
func TestReadmeIsHere(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var here strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		here.WriteString(lines(string(text)))
	}
	for _, block := range blocks(t, "../../README.md") {
		if !strings.HasPrefix(block, "package main") {
			require.Contains(t, here.String(), lines(block), "this block of the README is in no file here:\n%s", block)
		}
	}
}

// TestReadmePrograms runs the whole programs of the README as a newcomer would, but
// for the address of Discord: what they print is a message.
func TestReadmePrograms(t *testing.T) {
	programs := 0
	for _, block := range blocks(t, "../../README.md") {
		if !strings.HasPrefix(block, "package main") {
			continue
		}
		programs++
		discord := gatewaytest.NewServer()
		out := runProgram(t, discord, block)
		require.Contains(t, out, "ada: hello\n")
		require.Contains(t, out, "session started", "the log says what happens")
		discord.Close()
	}
	require.Positive(t, programs)
}

// runProgram builds and runs a program until it has printed a message.
func runProgram(t *testing.T, discord *gatewaytest.Server, program string) string {
	t.Helper()
	const where = "gateway.WithGuildEvents("
	require.Contains(t, program, where)
	program = strings.Replace(program, where, `gateway.WithURL(os.Getenv("GATEWAY_URL")), `+where, 1)
	dir, err := os.MkdirTemp(".", "program-")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o600))
	binary := filepath.Join(t.TempDir(), "bot")
	built, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./"+dir).CombinedOutput()
	require.NoError(t, err, "%s", built)
	var out safe
	bot := exec.CommandContext(t.Context(), binary)
	bot.Env = append(os.Environ(), "DISCORD_TOKEN=token", "GATEWAY_URL="+discord.DialURL)
	bot.Stdout, bot.Stderr = &out, &out
	require.NoError(t, bot.Start())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = discord.WaitSessions(ctx, 1)
	require.NoError(t, err)
	say(t, discord, "hello")
	require.NoError(t, out.wait(ctx, "hello"))
	require.NoError(t, bot.Process.Signal(os.Interrupt))
	_ = bot.Wait() // its log.Fatal says that the context was canceled
	return out.String()
}

// say has a member write a message.
func say(t *testing.T, discord *gatewaytest.Server, content string) {
	t.Helper()
	_, err := discord.Dispatch(event.MessageCreate, map[string]any{
		"id": "1", "guild_id": discord.Guilds()[0].ID, "content": content, "author": map[string]any{"id": "2", "username": "ada"},
		"member": map[string]any{"nick": "countess"}, "components": []any{map[string]any{"type": 1, "components": []any{}}},
	})
	require.NoError(t, err)
}

func newShard(t *testing.T, discord *gatewaytest.Server, options ...gateway.Option) *gatewayshard.Shard {
	t.Helper()
	shard, err := gatewayshard.NewShard(0, "token", func(gateway.ShardID, event.Type, gateway.RawMessage) {},
		append(options, gateway.WithURL(discord.DialURL), gateway.WithIntents(intent.Guilds|intent.GuildMembers))...)
	require.NoError(t, err)
	return shard
}

// TestKeepConnected lives through everything that a wrong switch over close codes
// takes for the end.
func TestKeepConnected(t *testing.T) {
	discord := gatewaytest.NewServer(gatewaytest.WithIdentifyInterval(0))
	defer discord.Close()
	shard := newShard(t, discord)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- keepConnected(ctx, shard, discord.DialURL, lifecycle.Backoff{Min: time.Millisecond, Max: time.Millisecond})
	}()
	for n, f := range []gatewaytest.Fault{
		{Kind: gatewaytest.Cut}, {Kind: gatewaytest.Reconnect}, {Kind: gatewaytest.InvalidSession}, {Kind: gatewaytest.Close, Code: 4000},
		{Kind: gatewaytest.Close, Code: 4008}, {Kind: gatewaytest.Close, Code: 1001},
	} {
		require.NoError(t, discord.Wait(ctx, func(s gatewaytest.Stats) bool { return s.Identifies+s.Resumes >= n+1 }))
		_, err := discord.WaitSessions(ctx, 1)
		require.NoError(t, err)
		require.NoError(t, discord.Inject(f), "%+v", f)
	}
	_, err := discord.WaitSessions(ctx, 1)
	require.NoError(t, err)
	require.NoError(t, shard.Close(ctx, gatewayshard.EndSession))
	require.ErrorIs(t, <-ended, gatewayshard.ErrClosed)
}

func TestAdvice(t *testing.T) {
	require.Equal(t, "connect again and resume", advice(errors.New("the network is down")))
	require.Equal(t, "connect again and identify", advice(&gateway.DiscordError{CloseCode: 4009}))
	require.Equal(t, "connect again and resume", advice(&gateway.DiscordError{CloseCode: 4008}))
	require.Contains(t, advice(&gateway.DiscordError{CloseCode: 4014}), "stop: ")
	require.False(t, mayReconnect(&gateway.DiscordError{CloseCode: 4004}))
}

func TestSocket(t *testing.T) {
	state, err := gateway.NewGatewayState("token", gateway.WithIntents(intent.Guilds))
	require.NoError(t, err)
	var text, closing strings.Builder
	hello := `{"op":10,"d":{"heartbeat_interval":41250}}`
	require.NoError(t, read(state, strings.NewReader(hello), &text, &closing, func(*gateway.GatewayPayload) {}))
	require.Contains(t, text.String(), `"op":2`, "it identifies")
	require.NoError(t, tick(state, &text, &closing))
	require.False(t, state.NextDeadline().IsZero())
}

func TestSend(t *testing.T) {
	discord := gatewaytest.NewServer(gatewaytest.WithMemberRequestInterval(0)) // it is asked twice
	defer discord.Close()
	shard := newShard(t, discord, smaller()...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- shard.Run(ctx) }()
	_, err := discord.WaitSessions(ctx, 1)
	require.NoError(t, err)
	for err = send(ctx, shard, discord.Guilds()[0].ID); errors.Is(err, gateway.ErrNotReady); {
		err = send(ctx, shard, discord.Guilds()[0].ID) // READY is still on its way
	}
	require.NoError(t, err)
	require.NoError(t, shard.Close(ctx, gatewayshard.EndSession))
	require.NoError(t, <-ended)
}

func TestFleet(t *testing.T) {
	discord := gatewaytest.NewServer(gatewaytest.WithIdentifyInterval(0))
	defer discord.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- fleet(ctx, sharding.Config{Total: 2, MaxConcurrency: 1, IdentifyInterval: time.Millisecond}, "token", t.TempDir(), gateway.WithURL(discord.DialURL))
	}()
	_, err := discord.WaitSessions(ctx, 2)
	require.NoError(t, err)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
}

func TestDescribe(t *testing.T) {
	text, err := describe(gateway.RawMessage(`{"id":"1","content":"hello","author":{"id":"2"},"member":{"nick":"countess"},"components":[{"type":1,"components":[]}]}`))
	require.NoError(t, err)
	require.Equal(t, "hello by countess with buttons", text)
}

// TestMyBot is what the README shows of tests.
func TestMyBot(t *testing.T) {
	discord := gatewaytest.NewServer()
	defer discord.Close()
	replies := startMyBot(t, discord.DialURL) // any library, any language

	_, err := discord.WaitSessions(t.Context(), 1)
	require.NoError(t, err)
	_, err = discord.Dispatch(event.MessageCreate, map[string]any{"content": "!ping", "guild_id": discord.Guilds()[0].ID})
	require.NoError(t, err)
	require.Equal(t, "pong", <-replies)
	require.NoError(t, discord.Inject(gatewaytest.Fault{Kind: gatewaytest.Cut})) // and a broken connection
}

// startMyBot is a bot that answers !ping.
func startMyBot(t *testing.T, url string) <-chan string {
	t.Helper()
	replies := make(chan string, 10)
	shard, err := gatewayshard.NewShard(0, "token", func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
		if text, err := describe(data); name == event.MessageCreate && err == nil && text == "!ping" {
			replies <- "pong"
		}
	}, gateway.WithURL(url), gateway.WithGuildEvents(event.MessageCreate), gateway.WithIntents(intent.MessageContent))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- shard.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return replies
}

// TestSing plays to a bot that listens.
func TestSing(t *testing.T) {
	discord := gatewaytest.NewServer(gatewaytest.WithVoiceServer(), gatewaytest.WithToken("token", "other"), gatewaytest.WithGuilds(1, 2),
		gatewaytest.WithIdentifyInterval(0))
	defer discord.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	enter := func(token string) (*voiceshard.Voice, func()) {
		var voice *voiceshard.Voice
		ready := make(chan struct{})
		shard, err := gatewayshard.NewShard(0, token, func(_ gateway.ShardID, name event.Type, data gateway.RawMessage) {
			voice.HandleEvent(name, data)
			if name == event.Ready {
				close(ready)
			}
		},
			gateway.WithURL(discord.DialURL), gateway.WithIntents(intent.Guilds|intent.GuildVoiceStates))
		require.NoError(t, err)
		voice, err = voiceshard.New(shard, 0, voiceshard.WithTLS(discord.TLSClientConfig()))
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() { ended <- shard.Run(context.WithoutCancel(ctx)) }()
		<-ready
		return voice, func() {
			_ = voice.Close(context.WithoutCancel(ctx))
			_ = shard.Close(context.WithoutCancel(ctx), gatewayshard.EndSession)
			<-ended
		}
	}
	mine, leave := enter("token")
	defer leave()
	other, leaveOther := enter("other")
	defer leaveOther()
	guild, channel := discord.Guilds()[0].ID, discord.Guilds()[0].VoiceChannel(0)
	session, err := other.Join(ctx, guild, channel)
	require.NoError(t, err)
	hearing, stop := context.WithCancel(ctx)
	heard := make(chan error, 1)
	go func() { heard <- listen(hearing, session) }()
	require.NoError(t, sing(ctx, mine, guild, channel, "../../cmd/gatewaybot/speech.opus"))
	require.Positive(t, session.Stats().Received.Packets)
	stop()
	require.ErrorIs(t, <-heard, context.Canceled)
}
