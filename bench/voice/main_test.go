package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/bench/voice/caller"
	"github.com/discordpkg/gateway/bench/voice/server"
)

// TestMain lets the test binary be its own child.
func TestMain(m *testing.M) {
	if process.IsChild(os.Args[1:]) {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestQuick measures everything. The figures are not judged, they depend on the
// machine and on what else it does.
func TestQuick(t *testing.T) {
	file := filepath.Join(t.TempDir(), "voice.md")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-quick", "-o", file}, &out))
	text := out.String()
	for _, c := range contests() {
		if c.part == playing {
			require.Contains(t, text, "\n| "+c.caller+" | ")
		} else {
			require.Contains(t, text, "\n| "+c.part+" | "+c.caller+" | ")
		}
	}
	require.Contains(t, text, "\n| aead_aes256_gcm_rtpsize | "+daveSeal+" | ")
	require.Contains(t, text, "\n| one by one | 5 speaking, 200/s | ")
	require.Contains(t, text, "\n## Groups\n")
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, text, string(written))
}

// TestAgainst has this checkout compete with itself.
func TestAgainst(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-quick", "-only", "^(send|receive) gateway$", "-against", filepath.Join("..", "..")}, &out))
	require.Regexp(t, `\n\| send gateway \| [0-9.]+ us \| [0-9.]+ us \| [0-9.]+x`, out.String())
	require.Regexp(t, `\n\| receive gateway \| [0-9.]+ us \| [0-9.]+ us \| [0-9.]+x`, out.String())
	require.Contains(t, out.String(), "processor time, send gateway, against the other checkout")
	require.Error(t, run(t.Context(), []string{"-quick", "-against", t.TempDir()}, new(bytes.Buffer)), "no checkout")
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"-rounds", "0"}, {"-packets", "0"}, {"-members", "2"}, {"-calls", "-1"}, {"-only", "("}, {"-nonsense"}} {
		_, _, err := parse(args)
		require.Error(t, err, "%v", args)
	}
	s, _, err := parse([]string{"-quick", "-only", "^relay$"})
	require.NoError(t, err)
	require.Equal(t, 1, s.rounds)
	require.False(t, s.only.MatchString("groups"))
	require.Empty(t, s.profileOf(contest{part: sending, caller: caller.Disgo}))
	s.profile = "dir"
	require.Equal(t, filepath.Join("dir", "send-disgo.prof"), s.profileOf(contest{part: sending, caller: caller.Disgo}))
}

// TestChildren wants errors where a parent asks for nonsense.
func TestChildren(t *testing.T) {
	for part, in := range map[string]string{
		"nothing":    `{}`,
		sending:      `{"Caller":"nobody"}`,
		receiving:    `{"Caller":"gateway"}`,
		playing:      `{"Caller":"discordgo","Calls":1}`,
		benches:      `"many"`,
		relayServer:  `[]`,
		relayClients: `{"Endpoint":"127.0.0.1:1","Tokens":["token"]}`,
	} {
		require.Error(t, child(t.Context(), []string{part}, strings.NewReader(in), new(bytes.Buffer)), part)
	}
	require.Error(t, child(t.Context(), nil, strings.NewReader(""), new(bytes.Buffer)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.Error(t, run(ctx, []string{"-quick"}, new(bytes.Buffer)))
}

// Who sends at its own pace only says so.
func TestPaced(t *testing.T) {
	st, err := server.New()
	require.NoError(t, err)
	defer st.Close()
	_, err = send(t.Context(), job{Caller: caller.Discordgo, Stage: st.Address(), Packets: 10})
	require.ErrorIs(t, err, caller.ErrPaced)
}

// Lateness is judged by the schedule that the earliest packet shows.
func TestJudge(t *testing.T) {
	tap := caller.NewTap(time.Now(), 0)
	var c concert
	c.judge([]*caller.Tap{tap}, 0, 1)
	require.Zero(t, c, "no packets, no figures")

	const frame = int64(frameTime)
	times := make([]int64, 200)
	for k := range times {
		times[k] = frame * int64(k)
	}
	times[150] += int64(3 * time.Millisecond)
	var p punctuality
	p.note(times, 0, 200*frame)
	p.tell(&c)
	require.Equal(t, 200, c.Packets)
	require.Zero(t, c.P99)
	require.Equal(t, 3*time.Millisecond, c.Max)
	require.Zero(t, c.Drift)

	drifting := make([]int64, 200)
	for k := range drifting {
		drifting[k] = frame*int64(k) + int64(k)*int64(10*time.Microsecond)
	}
	p = punctuality{}
	p.note(drifting, 0, 300*frame)
	p.tell(&c)
	require.Equal(t, 1500*time.Microsecond, c.Drift)
	require.Zero(t, c.Skipped)

	for k := 100; k < len(times); k++ {
		times[k] += int64(time.Second)
	}
	p = punctuality{}
	p.note(times, 0, 300*frame)
	p.tell(&c)
	require.Equal(t, time.Second, c.Skipped)
	require.Equal(t, 3*time.Millisecond, c.Max)
	require.Zero(t, c.Drift)
}

func TestGoals(t *testing.T) {
	s, _, err := parse(nil)
	require.NoError(t, err)
	r := results{settings: s}
	require.True(t, r.goals().Missed(), "nothing was measured")
	require.Contains(t, r.goals().String(), "- [ ] p99 lateness of 500 simultaneous senders: not measured\n")
	r.ciphers = []cipherCost{{Mode: "aead_aes256_gcm_rtpsize", Name: seal, Ratio: 1.1}, {Mode: "aead_aes256_gcm_rtpsize", Name: daveSeal, Ratio: 2.5, Time: 1400}}
	r.groups = map[string]groupCost{joins: {Ours: 1, Theirs: 4}}
	r.concerts = map[string]concert{"play gateway": {Packets: 1, P99: 3 * time.Millisecond}}
	r.loads = map[string]load{"batched 5 speaking, 50/s": {CPU: 2000}, "batched 5 speaking, 200/s": {CPU: 3000}}
	list := r.goals().String()
	for _, line := range []string{
		"- [x] seal, beside the bare AEAD, aead_aes256_gcm_rtpsize: 1.10x, wanted at most 1.20x\n",
		"- [ ] DAVE and seal, beside two bare seals, aead_aes256_gcm_rtpsize: 2.50x, wanted at most 2.20x\n",
		"- [x] DAVE and seal of 20 ms of Opus: 1.40 us, wanted at most 1.50 us\n",
		"- [x] join, group of 50, beside davey: 0.25x, wanted at most 2.00x\n",
		"- [ ] p99 lateness of 500 simultaneous senders: 3.00 ms, wanted at most 2.00 ms\n",
		"- [x] loss in 200 channels, 5 of 5 speaking: 0.00 %, wanted at most 0.00 %\n",
		"- [ ] processor time per copy under the heaviest load, beside the least: 1.50x, wanted at most 1.25x\n",
	} {
		require.Contains(t, list, line)
	}
}

func TestVector(t *testing.T) {
	require.Equal(t, []byte{1, 7}, vector([]byte{7}))
	require.Equal(t, []byte{0x40, 64}, vector(make([]byte, 64))[:2])
	require.Equal(t, []byte{0x80, 0, 0x40, 0}, vector(make([]byte, 1<<14))[:4])
}

func TestMedian(t *testing.T) {
	require.InDelta(t, 2, median([]float64{3, 1, 2}), 0)
	require.InDelta(t, 2.5, median([]float64{4, 1, 2, 3}), 0)
}
