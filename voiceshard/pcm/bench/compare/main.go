//go:build libopus

// Command compare measures package pcm beside libopus, in turns, in one process:
//
//	go run -tags libopus ./compare [-o FILE] [-check]
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/discordpkg/gateway/voiceshard/pcm"
	"github.com/discordpkg/gateway/voiceshard/pcm/bench"
	"github.com/discordpkg/gateway/voiceshard/pcm/bench/libopus"
)

func main() {
	out := flag.String("o", "", "write the table to this `file` too")
	turns := flag.Int("turns", 15, "how often each takes its turn")
	check := flag.Bool("check", false, "fail if a goal is missed")
	flag.Parse()
	text, missed, err := report(*turns)
	if err == nil {
		fmt.Print(text)
		if *out != "" {
			err = os.WriteFile(*out, []byte(text), 0o644)
		}
	}
	if err == nil && *check && missed {
		err = errors.New("a goal is missed")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// A contest is one thing that both do.
type contest struct {
	name         string
	most         float64 // goal: so many times libopus
	ours, theirs func() error
	allocs       func() float64
}

// cpu returns the processor time of the process.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// frames is what a turn encodes or decodes: five seconds.
const frames = 250

func report(turns int) (text string, missed bool, err error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# Package pcm beside libopus\n\n%s/%s, %s, %s, %s. Processor time per frame of 20 ms, medians of %d turns of %d frames in which both\n"+
		"take turns; ratios are those of the pairs.\n\n| | ours | libopus | median | least | largest | allocations | goal |\n|---|--:|--:|--:|--:|--:|--:|---|\n",
		runtime.GOOS, runtime.GOARCH, runtime.Version(), libopus.Version(), time.Now().UTC().Format("2006-01-02"), turns, frames)
	contests, err := contests()
	if err != nil {
		return "", false, err
	}
	for _, c := range contests {
		ours, theirs, ratios, err := c.measure(turns)
		if err != nil {
			return "", false, fmt.Errorf("%s: %w", c.name, err)
		}
		allocs := c.allocs()
		mark := "x"
		if middle(ratios) > c.most || allocs > 0 {
			mark, missed = " ", true
		}
		fmt.Fprintf(&b, "| %s | %.0f us | %.0f us | %.2fx | %.2fx | %.2fx | %.0f | [%s] at most %.1fx |\n", c.name, ours, theirs,
			middle(ratios), slices.Min(ratios), slices.Max(ratios), allocs, mark, c.most)
	}
	weights(&b)
	return b.String(), missed, nil
}

func middle(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// measure lets both take turns.
func (c contest) measure(turns int) (ours, theirs float64, ratios []float64, err error) {
	var a, b []float64
	for range turns {
		began := cpu()
		if err := c.ours(); err != nil {
			return 0, 0, nil, err
		}
		between := cpu()
		if err := c.theirs(); err != nil {
			return 0, 0, nil, err
		}
		x, y := float64(between-began), float64(cpu()-between)
		a, b, ratios = append(a, x/1e3/frames), append(b, y/1e3/frames), append(ratios, x/y)
	}
	return middle(a), middle(b), ratios, nil
}

func contests() (all []contest, err error) {
	sounds := bench.Sounds()
	for _, k := range []struct {
		sound  string
		config pcm.EncoderConfig
	}{
		{"speech", pcm.EncoderConfig{Bitrate: 32_000, Voice: true}}, {"speech", pcm.EncoderConfig{Bitrate: 48_000, Voice: true}},
		{"music", pcm.EncoderConfig{Bitrate: 64_000}}, {"music", pcm.EncoderConfig{Bitrate: 96_000}}, {"music", pcm.EncoderConfig{Bitrate: 128_000}},
	} {
		name := fmt.Sprintf("%s, %d kb/s", k.sound, k.config.Bitrate/1000)
		d, err := decoding(sounds[k.sound], k.config)
		if err != nil {
			return nil, err
		}
		d.name, d.most = "decode "+name, 1.6
		e, err := encoding(sounds[k.sound], k.config)
		if err != nil {
			return nil, err
		}
		e.name, e.most = "encode "+name, 2
		all = append(all, d, e)
	}
	return all, nil
}

func decoding(sound []float32, config pcm.EncoderConfig) (c contest, err error) {
	packets, err := bench.Packets(sound, config)
	if err != nil {
		return c, err
	}
	ours, err := pcm.Gopus.NewDecoder()
	if err != nil {
		return c, err
	}
	theirs, err := libopus.NewDecoder()
	if err != nil {
		return c, err
	}
	buffer := make([]float32, pcm.MaxSamples*pcm.Channels)
	turn := func(decode func(packet []byte, pcm []float32) (int, error)) func() error {
		n := 0
		return func() error {
			for range frames {
				if _, err := decode(packets[n%len(packets)], buffer); err != nil {
					return err
				}
				n++
			}
			return nil
		}
	}
	c.ours, c.theirs = turn(ours.Decode), turn(theirs.Decode)
	c.allocs = func() float64 {
		return testing.AllocsPerRun(100, func() { _, _ = ours.Decode(packets[3], buffer) })
	}
	return c, nil
}

func encoding(sound []float32, config pcm.EncoderConfig) (c contest, err error) {
	ours, err := pcm.Gopus.NewEncoder(pcm.EncoderSettings{Bitrate: config.Bitrate, Complexity: 9, Voice: config.Voice})
	if err != nil {
		return c, err
	}
	theirs, err := libopus.NewEncoder(config.Bitrate, 9, config.Voice)
	if err != nil {
		return c, err
	}
	packet, mono := make([]byte, pcm.MaxPacket), make([]float32, pcm.FrameSamples)
	turn := func(encode func(frame []float32, packet []byte) (int, error)) func() error {
		n := 0
		return func() error {
			for range frames {
				if n+bench.Frame > len(sound) {
					n = 0
				}
				if _, err := encode(sound[n:n+bench.Frame], packet); err != nil {
					return err
				}
				n += bench.Frame
			}
			return nil
		}
	}
	reference := theirs.Encode
	if config.Voice { // both mix down
		reference = func(frame []float32, packet []byte) (int, error) {
			for i := range mono {
				mono[i] = (frame[2*i] + frame[2*i+1]) / 2
			}
			return theirs.Encode(mono, packet)
		}
	}
	c.ours, c.theirs = turn(ours.Encode), turn(reference)
	c.allocs = func() float64 {
		return testing.AllocsPerRun(100, func() { _, _ = ours.Encode(sound[:bench.Frame], packet) })
	}
	return c, nil
}

// weights measures what codecs hold, after some frames.
func weights(b *strings.Builder) {
	const n = 50
	sound := bench.Sounds()["music"]
	heap := func() float64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	packets, _ := bench.Packets(sound[:bench.Frame*10], pcm.EncoderConfig{})
	packet, buffer := make([]byte, pcm.MaxPacket), make([]float32, pcm.MaxSamples*pcm.Channels)
	before := heap()
	var decoders []pcm.FrameDecoder
	for range n {
		d, _ := pcm.Gopus.NewDecoder()
		for _, p := range packets {
			_, _ = d.Decode(p, buffer)
		}
		decoders = append(decoders, d)
	}
	middle := heap()
	var encoders []pcm.FrameEncoder
	for range n {
		e, _ := pcm.Gopus.NewEncoder(pcm.EncoderSettings{Bitrate: 96_000, Complexity: 9})
		for i := range 10 {
			_, _ = e.Encode(sound[i*bench.Frame:(i+1)*bench.Frame], packet)
		}
		encoders = append(encoders, e)
	}
	after := heap()
	fmt.Fprintf(b, "\nA decoder holds %.0f KiB, an encoder %.0f KiB of heap.\n", (middle-before)/n/1024, (after-middle)/n/1024)
	runtime.KeepAlive(decoders)
	runtime.KeepAlive(encoders)
}
