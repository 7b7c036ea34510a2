package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/discordpkg/gateway/voiceshard/pcm"
)

// TestMain lets the test binary be a synthesizer, and a recognizer.
func TestMain(m *testing.M) {
	switch os.Getenv("VOICEBOT_TEST") {
	case "speak":
		speakWAV(strings.Join(os.Args[1:], " "))
	case "understand":
		understandWAV()
	case "fail":
		os.Stderr.WriteString("no voice\n")
		os.Exit(3)
	default:
		goleak.VerifyTestMain(m)
	}
}

// speakWAV prints a tone for each letter, as a WAV file of unknown length.
func speakWAV(text string) {
	w, err := pcm.NewWAVWriter(os.Stdout, pcm.Format{Rate: 22050, Channels: 1})
	if err != nil {
		panic(err)
	}
	p := make([]float32, len(text)*2205)
	for i := range p {
		if i/100%3 < 2 {
			p[i] = 0.4 * float32(i%50-25) / 25
		}
	}
	if err := errors.Join(w.WritePCM(p), w.Close()); err != nil {
		panic(err)
	}
}

// understandWAV prints how long the sound on the standard input is.
func understandWAV() {
	r, err := pcm.NewWAVReader(os.Stdin)
	if err != nil {
		panic(err)
	}
	n, p := 0, make([]float32, 4096)
	for err == nil {
		var k int
		k, err = r.ReadPCM(p)
		n += k
	}
	os.Stdout.WriteString(strconv.Itoa(r.Format().Rate) + " Hz, " + strconv.Itoa(n/9600/10) + " s")
}

// bot runs the program, without a token.
func voicebot(t *testing.T, args ...string) (out string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	rc := run(t.Context(), args, func(string) string { return "" }, &stdout, &stderr)
	require.Equal(t, exitOK, rc, "%s%s", stdout.String(), stderr.String())
	return stdout.String()
}

// figure returns a number out of what the program printed.
func figure(t *testing.T, out, name string) float64 {
	t.Helper()
	m := regexp.MustCompile(`\b` + name + `=([0-9.]+)`).FindStringSubmatch(out)
	require.NotNil(t, m, "no %s in %q", name, out)
	v, err := strconv.ParseFloat(m[1], 64)
	require.NoError(t, err)
	return v
}

// wavFileOf writes a WAV file of a sweep.
func wavFileOf(t *testing.T, d time.Duration) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "sweep.wav")
	f, err := os.Create(name)
	require.NoError(t, err)
	w, err := pcm.NewWAVWriter(f, pcm.Format{})
	require.NoError(t, err)
	p := make([]float32, 960*2)
	for s := pcm.Sweep(200, 2000, 0.4, d); err == nil; {
		var n int
		if n, err = s.ReadPCM(p); err == nil {
			require.NoError(t, w.WritePCM(p[:n]))
		}
	}
	require.Equal(t, io.EOF, err)
	require.NoError(t, errors.Join(w.Close(), f.Close()))
	return name
}

// TestPlay plays a file of each format through an encrypted call.
func TestPlay(t *testing.T) {
	for _, file := range []string{
		wavFileOf(t, time.Second), "../../mp3/testdata/tagged.mp3", "../../flac/testdata/16.flac", "../../vorbis/testdata/stereo.ogg",
	} {
		out := voicebot(t, "play", "-volume", "0.5", file)
		require.Greater(t, figure(t, out, "likeness"), 0.95, "%s: %s", file, out)
		require.Zero(t, figure(t, out, "clipped"))
	}
}

// TestSay speaks what another program prints.
func TestSay(t *testing.T) {
	t.Setenv("VOICEBOT_TEST", "speak")
	out := voicebot(t, "say", "-program", os.Args[0], "hello", "there")
	require.Contains(t, out, "played=1.1s packets=")
	require.Greater(t, figure(t, out, "likeness"), 0.6, out)
	t.Setenv("VOICEBOT_TEST", "fail")
	var stderr bytes.Buffer
	rc := run(t.Context(), []string{"say", "-program", os.Args[0], "hello"}, func(string) string { return "" }, io.Discard, &stderr)
	require.Equal(t, exitWrong, rc)
	require.Contains(t, stderr.String(), "no voice")
}

// TestListen records the other bot, and has a program understand it.
func TestListen(t *testing.T) {
	dir := t.TempDir()
	out := voicebot(t, "listen", "-dir", dir)
	files, err := filepath.Glob(filepath.Join(dir, "*.wav"))
	require.NoError(t, err)
	require.Len(t, files, 1, out)
	info, err := os.Stat(files[0])
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Greater(t, info.Size(), int64(48000*4), "a second")

	t.Setenv("VOICEBOT_TEST", "understand")
	out = voicebot(t, "listen", "-program", os.Args[0])
	require.Contains(t, out, `text="16000 Hz, `)
}

// TestEcho wants what is said to come back. How late it is depends on the machine.
func TestEcho(t *testing.T) {
	require.Greater(t, figure(t, voicebot(t, "echo"), "likeness"), 0.0)
}

func TestUsage(t *testing.T) {
	var out bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"-help"}, os.Getenv, &out, io.Discard))
	for _, word := range []string{"say", "play", "listen", "echo", "-volume", "-token-file", "-program"} {
		require.Contains(t, out.String(), word)
	}
	token := func(string) string { return "x.y.z" }
	for wrong, args := range map[string][]string{
		"say, play":              {},
		"neither say":            {"sing"},
		"say what?":              {"say"},
		"play what?":             {"play"},
		"one argument too many":  {"play", "a", "b"},
		"not between 0 and 16":   {"play", "-volume", "17", "a"},
		"is negative":            {"-for", "-1s", "echo"},
		"-nonsense":              {"-nonsense"},
		"not an id":              {"-guild", "x", "echo"},
		"-guild ID -channel ID":  {"echo"},
		"no such file":           {"-token-file", "/nowhere", "echo"},
		"flag needs an argument": {"echo", "-for"},
	} {
		out.Reset()
		env := func(string) string { return "" }
		if strings.Contains(wrong, "-guild ID") {
			env = token
		}
		require.Equal(t, exitUsage, run(t.Context(), args, env, io.Discard, &out), wrong)
		require.Contains(t, out.String(), wrong)
	}
	out.Reset()
	require.Equal(t, exitWrong, run(t.Context(), []string{"play", "/nowhere.wav"}, func(string) string { return "" }, io.Discard, &out))
	require.Contains(t, out.String(), "voicebot play: ")
}
