package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// textOf returns the panel without styles.
func textOf(width int, r *callReport, news ...string) string {
	var b strings.Builder
	for _, l := range callPanel(width, "local Discord", r, news) {
		for _, s := range l {
			b.WriteString(s.text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestPanel(t *testing.T) {
	r := &callReport{
		Elapsed: millis(2500 * time.Millisecond), RTT: millis(time.Millisecond),
		Player: &playReport{File: "song.opus", Position: millis(30 * time.Second), Length: millis(time.Minute), Packets: 1500},
		Listener: &hearReport{
			Packets: 1350, Lost: 150, P99: millis(3 * time.Millisecond),
			Users: []hearUser{{User: 7, File: "7.opus", Packets: 1350, Lost: 150}},
		},
		E2EE: e2ee{Version: 1, Epoch: 4, Members: 2, Code: "123456789012345678901234567890"},
	}
	text := textOf(100, r, "something happened")
	for _, want := range []string{
		"local Discord  2s\n", "song.opus\n", "[##############################------------------------------] 0:30.0/1:00.0",
		"1350 packets  lost 150 (10.0%)", "p99 3.00ms", "7  1350 packets", "round trip 1.00ms  heartbeat -",
		"end to end (DAVE 1), epoch 4, 2 members", "12345 67890 12345 67890 12345 67890", "something happened",
	} {
		require.Contains(t, text, want)
	}
	for l := range strings.Lines(textOf(40, r)) {
		require.LessOrEqual(t, len(l), 41)
	}

	r.Player.Length, r.Listener, r.E2EE = 0, nil, e2ee{}
	text = textOf(100, r)
	require.Contains(t, text, "\n0:30.0\n", "nobody knows how long it is")
	require.NotContains(t, text, "heard")
	require.Contains(t, text, "not end to end")
	r.E2EE.Version = 1
	require.Contains(t, textOf(100, r), "nobody else is there yet")
}

func TestClockTime(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0:00.0", 59*time.Second + 999*time.Millisecond: "0:59.9", 75 * time.Second: "1:15.0", 2 * time.Hour: "120:00.0",
	} {
		require.Equal(t, want, clockTime(millis(d)))
	}
	require.Equal(t, "0:02.0/0:02.0", playTime(millis(3*time.Second), millis(2*time.Second)), "the last frame may be longer")
}

func TestCallLines(t *testing.T) {
	var out bytes.Buffer
	l := &callLines{log: slog.New(slog.NewTextHandler(&out, nil))}
	l.show(&callReport{})
	require.Empty(t, out.String(), "the first one says nothing yet")
	l.show(&callReport{Listener: &hearReport{Packets: 5, Lost: 1}})
	require.Contains(t, out.String(), "msg=recording users=0 packets=5 lost=1")
}

func TestCallSummary(t *testing.T) {
	summaryOf := func(r *callReport) string {
		var b strings.Builder
		r.write(&b)
		return b.String()
	}
	p := &playReport{Position: millis(10020 * time.Millisecond), Packets: 501}
	require.Equal(t, "played=10.02s packets=501 unsent=0 unencrypted=0 lateness_p99=- underruns=0 rtt=- dave=0 elapsed=0.00s\n",
		summaryOf(&callReport{Player: p}))
	require.Equal(t, "played=10.02s packets=501 lost=0 heard=501 identical=true late=0 undecryptable=0 jitter_p99=- lateness_p99=- underruns=0 rtt=- dave=0 elapsed=0.00s\n",
		summaryOf(&callReport{Player: p, Listener: &hearReport{Compared: &compared{Heard: 501, Identical: true}}}))
	require.Equal(t, "file=7.opus user=7 packets=3 lost=1\n"+
		"recorded=1.00s users=1 packets=3 lost=1 late=0 undecryptable=0 jitter_p99=- rtt=- dave=1 epoch=2 privacy_code=5 elapsed=0.00s\n",
		summaryOf(&callReport{
			records:  true,
			Listener: &hearReport{Recorded: millis(time.Second), Packets: 3, Lost: 1, Users: []hearUser{{7, "7.opus", 3, 1}}},
			E2EE:     e2ee{Version: 1, Epoch: 2, Code: "5"},
		}))
	b, err := json.Marshal(millis(1500 * time.Microsecond))
	require.NoError(t, err)
	require.Equal(t, "1.500", string(b))
}
