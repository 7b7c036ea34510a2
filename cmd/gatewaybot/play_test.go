package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/gatewaytest"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/sharding"
	"github.com/discordpkg/gateway/voiceshard/audio"
)

// These tests run in real time, over sockets, with sounds that are short.

// say writes a file of frames of 20 ms that differ.
func say(t *testing.T, frames int) (name string) {
	t.Helper()
	name = filepath.Join(t.TempDir(), "said.opus")
	f, err := os.Create(name)
	require.NoError(t, err)
	defer f.Close()
	w, err := audio.NewOggWriter(f, audio.WithOpusHead(audio.OpusHead{Channels: 2}))
	require.NoError(t, err)
	for n := range frames {
		require.NoError(t, w.WriteFrame(fmt.Appendf(nil, "\xfcframe %d", n)))
	}
	require.NoError(t, w.Close())
	return name
}

// framesOf returns the frames of a file but those of silence.
func framesOf(t *testing.T, name string) (all []string) {
	t.Helper()
	f, err := audio.Open(name)
	require.NoError(t, err)
	defer f.Close()
	for {
		opus, err := f.ReadFrame()
		if err == io.EOF {
			return all
		}
		require.NoError(t, err)
		if !bytes.HasSuffix(opus, []byte(silence[1:])) {
			all = append(all, string(opus))
		}
	}
}

// runReal runs the program as it is.
func runReal(ctx context.Context, args ...string) *output {
	o := &output{}
	o.status = run(ctx, args, environment(nil), &o.stdout, &o.stderr)
	return o
}

// value returns a field of the summary.
func value(t *testing.T, out, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^(?:played|recorded)=.*? ?` + name + `=(\S+)|^` + name + `=(\S+)`).FindStringSubmatch(out)
	require.NotNil(t, m, "no %s= in the summary:\n%s", name, out)
	return m[1] + m[2]
}

// TestPlay is what a newcomer sees.
func TestPlay(t *testing.T) {
	t.Parallel()
	o := runReal(t.Context(), "play")
	out := o.stdout.String()
	require.Equal(t, exitOK, o.status, "%s\n%s", out, o.stderr.String())
	require.Empty(t, o.stderr.String())
	require.Regexp(t, `(?m)^played=3\.12s packets=157 lost=0 heard=157 identical=true `, out)
	require.Regexp(t, `privacy_code=\d{30} `, out)
	require.GreaterOrEqual(t, strings.Count(out, "msg=playing"), 2)
	require.NotContains(t, out, "WARN")
	file := value(t, out, "file")
	defer os.Remove(file)
	want := filepath.Join("..", "..", "voiceshard", "audio", "testdata", "speech.opus")
	require.Equal(t, framesOf(t, want), framesOf(t, file))
	original, err := os.ReadFile(want)
	require.NoError(t, err)
	require.Equal(t, original, speech, "the built-in words are a copy of that file")
}

func TestPlayJSON(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "heard.opus")
	o := runReal(t.Context(), "play", say(t, 60), "-json", "-seek", "500ms", "-record", file)
	require.Equal(t, exitOK, o.status, o.stderr.String())
	var last callReport
	for l := range strings.Lines(o.stdout.String()) {
		var all map[string]any
		require.NoError(t, json.Unmarshal([]byte(l), &all))
		require.Contains(t, []any{progress, summary}, all["t"])
		require.Contains(t, all, "player")
		require.Contains(t, all, "listener")
		last.Kind = all["t"].(string)
	}
	require.Equal(t, summary, last.Kind, "the last line")
	require.Contains(t, o.stderr.String(), "identical=true")
	frames := framesOf(t, file)
	require.Equal(t, "\xfcframe 59", frames[len(frames)-1])
	require.InDelta(t, 40, len(frames), 5, "a decoder needs 80 ms to swing in")
}

func TestPlayOverABadNetwork(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := runReal(t.Context(), "record", "-loss", "0.4", "-dir", filepath.Join(dir, "new", "dir"), say(t, 60))
	out := o.stdout.String()
	require.Equal(t, exitOK, o.status, o.stderr.String())
	require.Equal(t, "60", value(t, out, "packets"))
	require.NotEqual(t, "0", value(t, out, "lost"))
	require.Equal(t, "false", value(t, out, "identical"))
	require.Equal(t, "1", value(t, out, "users"))
	require.FileExists(t, value(t, out, "file"))
}

// TestPlayIsInterrupted loops until it is, and cuts no word.
func TestPlayIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	file := filepath.Join(t.TempDir(), "heard.opus")
	o := runReal(ctx, "play", "-loop", say(t, 20), "-record", file)
	require.Equal(t, exitOK, o.status, o.stderr.String())
	require.Equal(t, "true", value(t, o.stdout.String(), "identical"))
	require.Greater(t, len(framesOf(t, file)), 20, "more than once")

	cancel()
	o = runReal(ctx, "play", "-record", file)
	require.Equal(t, exitOK, o.status, "interrupted before it began")
	require.NotContains(t, o.stdout.String(), "played=")
}

func TestPlayOnATerminal(t *testing.T) {
	t.Parallel()
	m := machine{listen: listenLoopback, dial: dialLoopback, terminal: func(io.Writer, func(string) string) bool { return true }}
	sound, err := os.Open(say(t, 15))
	require.NoError(t, err)
	defer sound.Close()
	m.stdin = struct{ io.Reader }{sound} // as a pipe is
	var o output
	args := []string{"play", "-", "-record", filepath.Join(t.TempDir(), "heard.opus")}
	require.Equal(t, exitOK, m.run(t.Context(), args, environment(nil), &o.stdout, &o.stderr), o.stderr.String())
	out := o.stdout.String()
	require.Contains(t, out, enterTable)
	require.Contains(t, out, leaveTable)
	require.Contains(t, out, "standard input")
	require.Contains(t, out, "15 packets")
	require.Equal(t, "true", value(t, out, "identical"))
}

func TestFilesThatCannotBePlayed(t *testing.T) {
	dir := t.TempDir()
	text, cut, empty := filepath.Join(dir, "text.mp3"), filepath.Join(dir, "cut.opus"), filepath.Join(dir, "empty.opus")
	require.NoError(t, os.WriteFile(text, []byte("hello"), 0o600))
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	require.NoError(t, os.WriteFile(cut, speech[:60], 0o600))
	for args, want := range map[string]string{
		"play " + text:                         "neither Ogg nor WebM nor DCA (" + text + "); if it is sound, convert it: ffmpeg",
		"play " + empty:                        empty,
		"play " + cut:                          cut,
		"play " + dir:                          dir + " is a directory",
		"play " + dir + "/none":                "there is no file " + dir + "/none",
		"play -seek 1h":                        "-seek 1h0m0s is behind the end, which is at 3.119s",
		"play -record " + dir + "/none/x.opus": "-record: open " + dir + "/none/x.opus",
		"record -dir " + text:                  "-dir: mkdir " + text,
		"play -":                               "standard input: audio: neither Ogg nor WebM nor DCA",
	} {
		m := machine{listen: listenLoopback, dial: dialLoopback, stdin: strings.NewReader("no sound"), terminal: isTerminal}
		var o output
		require.Equal(t, exitWrong, m.run(t.Context(), strings.Fields(args), environment(nil), &o.stdout, &o.stderr), args)
		require.Contains(t, o.stderr.String(), want)
		require.Contains(t, o.stderr.String(), "gatewaybot "+strings.Fields(args)[0]+": ")
		require.Equal(t, 1, strings.Count(o.stderr.String(), "\n"), "one line")
	}
}

// TestFileThatEndsTooEarly plays what there is of it.
func TestFileThatEndsTooEarly(t *testing.T) {
	t.Parallel()
	cut := filepath.Join(t.TempDir(), "cut.opus")
	require.NoError(t, os.WriteFile(cut, speech[:3000], 0o600))
	o := runReal(t.Context(), "play", cut, "-record", filepath.Join(t.TempDir(), "heard.opus"))
	require.Equal(t, exitWrong, o.status)
	require.Contains(t, o.stderr.String(), "gatewaybot play: "+cut+": audio: ogg: at byte")
	require.NotContains(t, o.stderr.String(), "source of the player")
	require.Equal(t, "true", value(t, o.stdout.String(), "identical"), "what is there is heard")
}

func TestStandardInputThatNeverComes(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	m := machine{stdin: r, terminal: isTerminal}
	time.AfterFunc(10*time.Millisecond, cancel)
	var o output
	require.Equal(t, exitOK, m.run(ctx, []string{"play", "-"}, environment(nil), &o.stdout, &o.stderr), o.stderr.String())
}

func TestFiguresThatNobodyReads(t *testing.T) {
	t.Parallel()
	var stderr lockedBuffer
	m := machine{listen: listenLoopback, dial: dialLoopback, terminal: isTerminal}
	args := []string{"play", "-json", "-record", filepath.Join(t.TempDir(), "heard.opus")}
	require.Equal(t, exitWrong, m.run(t.Context(), args, environment(nil), brokenPipe{}, &stderr))
	require.Contains(t, stderr.String(), "write figures: nobody reads")
}

// A held is a Discord that the test holds, with two bots.
type held struct {
	*gatewaytest.Server
	t       *testing.T
	machine machine
}

func hold(t *testing.T, options ...gatewaytest.Option) *held {
	srv := gatewaytest.NewServer(append(options, gatewaytest.WithToken("one", "two"), gatewaytest.WithIdentifyInterval(0), gatewaytest.WithVoiceServer())...)
	t.Cleanup(srv.Close)
	m := machine{listen: listenLoopback, dial: dialLoopback, terminal: isTerminal, trust: srv.TLSClientConfig()}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	m.discovery = sharding.Discovery{API: srv.URL + "/api/v10", Client: client}
	return &held{srv, t, m}
}

// run runs the program as one of the bots, and joins the first channel.
func (h *held) run(ctx context.Context, token string, args ...string) *output {
	o := &output{}
	h.runInto(ctx, o, token, args...)
	return o
}

// runInto is run for those who read the output meanwhile.
func (h *held) runInto(ctx context.Context, o *output, token string, args ...string) {
	g := h.Guilds()[0]
	args = append(args, "-guild", g.ID.String(), "-channel", g.VoiceChannel(0).String())
	o.status = h.machine.run(ctx, args, environment(map[string]string{"DISCORD_TOKEN": token}), &o.stdout, &o.stderr)
}

// inVoice waits until so many bots are in voice.
func (h *held) inVoice(n int) {
	h.t.Helper()
	require.Eventually(h.t, func() bool { return len(h.Server.InVoice()) == n }, 10*time.Second, 5*time.Millisecond)
}

// TestPlayAndRecordWithTokens has two programs in one channel.
func TestPlayAndRecordWithTokens(t *testing.T) {
	t.Parallel()
	h := hold(t, gatewaytest.WithShards(3))
	dir := t.TempDir()
	ctx, interrupt := context.WithCancel(t.Context())
	r, recorded := &output{}, make(chan struct{})
	go func() {
		defer close(recorded)
		h.runInto(ctx, r, "two", "record", "-dir", dir, "-log-level", "debug")
	}()
	h.inVoice(1)
	name := say(t, 30)
	o := h.run(t.Context(), "one", "play", name)
	require.Equal(t, exitOK, o.status, o.stderr.String())
	require.Equal(t, "30", value(t, o.stdout.String(), "packets"))
	require.Equal(t, "0", value(t, o.stdout.String(), "unencrypted"))
	require.Eventually(t, func() bool { return strings.Contains(r.stdout.String(), "user left") }, 10*time.Second, 5*time.Millisecond)
	interrupt()
	<-recorded
	require.Equal(t, exitOK, r.status, r.stderr.String())
	out := r.stdout.String()
	require.Equal(t, "1", value(t, out, "users"))
	require.Equal(t, framesOf(t, name), framesOf(t, value(t, out, "file")))
	require.Empty(t, h.InVoice(), "they have left")
	require.Empty(t, h.Violations())
	require.Empty(t, h.Voice().Violations())
	commands := h.Commands()
	left := commands[len(commands)-1]
	require.Equal(t, opcode.VoiceStateUpdate, left.Op)
	require.Contains(t, string(left.Data), `"channel_id":null`)
}

func TestCallsThatFail(t *testing.T) {
	t.Parallel()
	name := say(t, 200)
	for title, c := range map[string]struct {
		token   string
		during  func(*held)
		options []gatewaytest.Option
		want    string
		logged  string
		command string // play if empty
	}{
		"wrong token": {token: "three", want: "check the bot token"},
		"kicked": {token: "one", want: "disconnected from the channel by discord", during: func(h *held) {
			h.inVoice(1)
			require.NoError(h.t, h.MoveMember(h.Guilds()[0].ID, gatewaytest.BotID(0), 0))
		}},
		"kicked while it records": {token: "two", command: "record", want: "disconnected from the channel by discord", during: func(h *held) {
			h.inVoice(1)
			require.NoError(h.t, h.MoveMember(h.Guilds()[0].ID, gatewaytest.BotID(1), 0))
		}},
		"not heard": {token: "one", want: "disconnected", logged: "nobody hears the bot", during: func(h *held) {
			h.inVoice(1)
			g := h.Guilds()[0]
			require.NoError(h.t, h.MuteMember(g.ID, gatewaytest.BotID(0), true, false))
			require.NoError(h.t, h.MuteMember(g.ID, gatewaytest.BotID(0), true, true))
			require.NoError(h.t, h.MuteMember(g.ID, gatewaytest.BotID(0), false, true))
			require.NoError(h.t, h.MoveMember(g.ID, gatewaytest.BotID(0), 0))
		}},
		"session over": {token: "one", want: "closed with 4014", during: func(h *held) {
			h.inVoice(1)
			require.NoError(h.t, h.Inject(gatewaytest.Fault{Kind: gatewaytest.Close, Code: 4014}))
		}},
	} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			h := hold(t, c.options...)
			if c.during != nil {
				done := make(chan struct{})
				go func() { defer close(done); c.during(h) }()
				defer func() { <-done }()
			}
			args := []string{"play", name}
			if c.command == "record" {
				args = []string{"record", "-dir", t.TempDir()}
			}
			o := h.run(t.Context(), c.token, args...)
			require.Equal(t, exitWrong, o.status, o.stdout.String())
			require.Contains(t, o.stderr.String(), c.want)
			require.Equal(t, 1, strings.Count(o.stderr.String(), "\n"), "one line: %s", o.stderr.String())
			require.Contains(t, o.stdout.String(), c.logged)
			require.NotContains(t, o.stdout.String(), "level=ERROR", "said once")
		})
	}
}

func TestShardOfTheGuild(t *testing.T) {
	t.Parallel()
	h := hold(t, gatewaytest.WithShards(3))
	var o output
	env := environment(map[string]string{"DISCORD_TOKEN": "one"})
	require.Equal(t, exitWrong, h.machine.run(t.Context(), []string{"record", "-dir", t.TempDir()}, env, &o.stdout, &o.stderr))
	require.Contains(t, o.stderr.String(), "more than one shard: say in which guild")
}
