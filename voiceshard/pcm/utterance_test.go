package pcm

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// noisy is a sound over faint noise.
func noisy(t testing.TB, parts ...Source) Source {
	t.Helper()
	var p []float32
	for _, s := range parts {
		p = append(p, all(t, s)...)
	}
	noise := all(t, Noise(1, 0.002, time.Minute))
	for i := range p {
		p[i] += noise[i%len(noise)]
	}
	return &values{p: p}
}

// utterances returns the news of what is said at its pace.
func utterances(t *testing.T, config UtteranceConfig, tk *talk) (news []Utterance, at []time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		u, err := NewUtterances(newReceiver(t, w, ReceiverConfig{Speech: true}), config)
		require.NoError(t, err)
		began := time.Now()
		go func() {
			tk.say(w, nil)
			time.Sleep(5 * time.Second)
			close(w.packets)
		}()
		for {
			next, err := u.Next(t.Context())
			if err != nil {
				require.ErrorIs(t, err, errHungUp)
				return
			}
			news, at = append(news, *next), append(at, time.Since(began))
		}
	})
	return news, at
}

// TestUtterances wants two sentences, a click that is none, and to be told at once
// that the user begins to speak.
func TestUtterances(t *testing.T) {
	sound := noisy(t,
		Silence(500*time.Millisecond), Tone(200, 0.3, 800*time.Millisecond), // with a pause in it
		Silence(300*time.Millisecond), Tone(250, 0.3, 500*time.Millisecond),
		Silence(time.Second), Tone(2000, 0.3, 20*time.Millisecond), // a click
		Silence(time.Second), Tone(300, 0.3, 600*time.Millisecond))
	news, at := utterances(t, UtteranceConfig{}, speech(t, 7, sound, EncoderConfig{}))
	require.Len(t, news, 4)
	for i, u := range news {
		require.Equal(t, i%2 == 0, u.Began)
		require.Equal(t, u.Began, u.PCM == nil)
		require.EqualValues(t, 7, u.User)
		require.False(t, u.More)
	}
	require.Less(t, at[0], 500*time.Millisecond+200*time.Millisecond, "an assistant falls silent soon")
	first, second := news[1], news[3]
	require.InDelta(t, 0.3, first.Start.Seconds(), 0.06, "it has a lead")
	require.InDelta(t, 2.1+0.6, first.End.Seconds(), 0.06, "and ends with the hangover")
	require.InDelta(t, (first.End - first.Start).Seconds(), float64(len(first.PCM))/16000, 0.02)
	require.InDelta(t, 2.7, at[1].Seconds(), 0.1)
	require.InDelta(t, 4.12-0.2, second.Start.Seconds(), 0.06)
	require.InDelta(t, 4.72+0.3, at[3].Seconds(), 0.2, "who stops sending has said it")
}

// TestLongUtterance is cut, and goes on.
func TestLongUtterance(t *testing.T) {
	news, _ := utterances(t, UtteranceConfig{Longest: time.Second}, speech(t, 7, noisy(t, Tone(200, 0.3, 2500*time.Millisecond)), EncoderConfig{}))
	require.Len(t, news, 4)
	require.True(t, news[0].Began)
	var end time.Duration
	for i, u := range news[1:] {
		require.Equal(t, i < 2, u.More)
		require.Equal(t, end, u.Start, "without a gap")
		end = u.End
	}
}

// TestNoiseIsNoSpeech wants steady noise to be learned, however loud.
func TestNoiseIsNoSpeech(t *testing.T) {
	p := all(t, Noise(1, 0.02, 8*time.Second))
	for i := range p {
		p[i] *= min(1, float32(i)/float32(len(p)/2)) // it rises
	}
	news, _ := utterances(t, UtteranceConfig{}, speech(t, 7, &values{p: p}, EncoderConfig{}))
	require.Empty(t, news)
}

func TestUtteranceConfig(t *testing.T) {
	r := newReceiver(t, newWire(), ReceiverConfig{})
	for _, c := range []UtteranceConfig{
		{Threshold: 1}, {Threshold: -101}, {Hangover: -1}, {Lead: -1}, {Shortest: -1}, {Longest: time.Hour}, {Longest: 100 * time.Millisecond},
	} {
		_, err := NewUtterances(r, c)
		require.ErrorContains(t, err, "pcm: ")
	}
	_, err := NewUtterances(nil, UtteranceConfig{})
	require.Error(t, err)
}
