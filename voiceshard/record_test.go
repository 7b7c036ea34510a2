package voiceshard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/discordpkg/gateway/internal/rtp"
	"github.com/discordpkg/gateway/opcode"
	"github.com/discordpkg/gateway/snowflake"
	"github.com/discordpkg/gateway/voiceshard/audio"
)

// A cabinet keeps files in memory.
type cabinet map[snowflake.ID]*folder

type folder struct {
	bytes.Buffer
	room   int // pages that fit; 0: all
	closed int
	fails  error // of Close
}

func (f *folder) Write(b []byte) (int, error) {
	if f.room > 0 {
		if f.room--; f.room == 0 {
			f.room = 1
			return 0, errFull
		}
	}
	return f.Buffer.Write(b)
}

func (f *folder) Close() error { f.closed++; return f.fails }

var errFull = errors.New("no space left")

func (c cabinet) open(user snowflake.ID) (io.WriteCloser, error) {
	if c[user] == nil {
		c[user] = new(folder)
	}
	return c[user], nil
}

// A heard is what is in a recording at some time, silence left out.
type heard struct {
	at   time.Duration
	opus string
}

// listen returns what a file has, and how long it is.
func (c cabinet) listen(t *testing.T, user snowflake.ID) (all []heard, length time.Duration) {
	t.Helper()
	return listenTo(t, c[user].Bytes())
}

func listenTo(t *testing.T, file []byte) (all []heard, length time.Duration) {
	t.Helper()
	r, err := audio.NewOggReader(bytes.NewReader(file))
	require.NoError(t, err)
	for {
		at := r.Position()
		p, err := r.ReadFrame()
		if err == io.EOF {
			require.Zero(t, r.Damaged())
			return all, at
		}
		require.NoError(t, err)
		if !bytes.HasSuffix(p, []byte("\xff\xfe")) {
			all = append(all, heard{at.Round(grain), string(p)})
		}
	}
}

// A tongue makes packets of one user.
type tongue struct {
	r     *Recorder
	t     *testing.T
	start time.Time
	p     Packet
}

// say records a packet of 20 ms that arrives at a time, n frames after the one
// before.
func (m *tongue) say(at time.Duration, n int, opus string) {
	m.t.Helper()
	m.p.Sequence++
	m.p.Timestamp += uint32(n) * 960
	m.p.Arrival, m.p.Opus, m.p.Verdict = m.start.Add(at), []byte(opus), OK
	require.NoError(m.t, m.r.Write(&m.p))
}

func (m *tongue) miss(at time.Duration, v Verdict) {
	m.t.Helper()
	p := Packet{User: m.p.User, SSRC: m.p.SSRC, Verdict: v, Count: 1, Arrival: m.start.Add(at)}
	require.NoError(m.t, m.r.Write(&p))
}

func recording(t *testing.T) (cabinet, *Recorder, func(user snowflake.ID) *tongue) {
	files, start := cabinet{}, time.Now()
	r := NewRecorder(files.open)
	r.Start(start)
	r.Start(start.Add(time.Hour)) // too late
	return files, r, func(user snowflake.ID) *tongue {
		return &tongue{r: r, t: t, start: start, p: Packet{User: user, SSRC: uint32(user), Timestamp: 1<<32 - 1000}}
	}
}

func TestRecordingIsAligned(t *testing.T) {
	files, r, user := recording(t)
	a, b := user(1), user(2)
	a.say(1003*ms, 1, "\xfca")
	b.say(1500*ms, 1, "\xfcb")
	a.say(1030*ms, 1, "\xfcb") // a little late on its way
	a.say(1043*ms, 1, "\xfcc")
	a.say(4044*ms, 150, "\xfcd")     // a pause that the timestamp counts
	b.say(5*time.Second, 1, "\xfcc") // one that it does not
	b.say(5019*ms, 1, "\xfcd")
	require.Equal(t, 5019*ms, r.Duration())
	require.NoError(t, r.Close())
	require.Equal(t, []snowflake.ID{1, 2}, r.Users())

	heardA, length := files.listen(t, 1)
	require.Equal(t, []heard{{1002500 * time.Microsecond, "\xfca"}, {1022500 * time.Microsecond, "\xfcb"}, {1042500 * time.Microsecond, "\xfcc"}, {4042500 * time.Microsecond, "\xfcd"}}, heardA)
	heardB, lengthB := files.listen(t, 2)
	require.Equal(t, []heard{{1500 * ms, "\xfcb"}, {5 * time.Second, "\xfcc"}, {5020 * ms, "\xfcd"}}, heardB)
	require.Equal(t, 5040*ms, lengthB)
	require.InDelta(t, float64(lengthB), float64(length), float64(grain), "all files are as long as the longest")
	require.Equal(t, 1, files[1].closed)

	require.Equal(t, ErrRecorded, r.Close())
	require.Equal(t, ErrRecorded, r.Write(&Packet{}))
}

func TestRecordingConcealsLoss(t *testing.T) {
	files, r, user := recording(t)
	a := user(1)
	a.miss(0, Lost) // not known yet
	a.say(0, 1, "\xfca")
	a.miss(80*ms, Lost)
	a.miss(80*ms, Undecryptable)
	a.miss(80*ms, Late)
	a.say(60*ms, 3, "\xfcb")
	a.miss(time.Second, Lost)
	a.say(time.Second, 47, "\xfcc") // too much to make up
	a.say(1040*ms, 2, "\xfcd")      // nothing was lost
	require.NoError(t, r.Close())
	got, length := files.listen(t, 1)
	require.Equal(t, []heard{
		{0, "\xfca"}, {20 * ms, "\xfc"}, {40 * ms, "\xfc"}, {60 * ms, "\xfcb"}, {time.Second, "\xfcc"}, {1040 * ms, "\xfcd"},
	}, got)
	require.Equal(t, 1060*ms, length)
}

func TestRecordingSurvivesReconnects(t *testing.T) {
	files, r, user := recording(t)
	a := user(1)
	a.say(0, 1, "\xfca")
	a.p.SSRC, a.p.Timestamp = 99, 12345
	a.say(2*time.Second, 1, "\xfcb")
	a.p.Restart, a.p.Timestamp = true, 1<<31
	a.say(3*time.Second, 1, "\xfcc")
	a.p.Restart = false
	a.say(3020*ms, 1, "\xfcd")
	a.p.Timestamp -= 48000 // nonsense: one second back
	a.say(3040*ms, 1, "\xfce")
	a.p.Timestamp += 480000 // ten seconds ahead
	a.say(3060*ms, 1, "\xfcf")
	require.NoError(t, r.Close())
	got, length := files.listen(t, 1)
	require.Equal(t, []heard{
		{0, "\xfca"}, {2 * time.Second, "\xfcb"}, {3 * time.Second, "\xfcc"}, {3020 * ms, "\xfcd"}, {3040 * ms, "\xfce"}, {3060 * ms, "\xfcf"},
	}, got)
	require.Equal(t, 3080*ms, length)
}

// A network that stalls delivers in a burst: the sound stays where it was.
func TestRecordingOfABurst(t *testing.T) {
	files, r, user := recording(t)
	a := user(1)
	var want []heard
	for i := range 100 {
		at := time.Duration(i) * 20 * ms
		if i >= 20 && i < 45 {
			at = 900 * ms
		}
		a.say(at, 1, "\xfc"+string(rune('A'+i)))
		want = append(want, heard{time.Duration(i) * 20 * ms, "\xfc" + string(rune('A'+i))})
	}
	require.NoError(t, r.Close())
	got, _ := files.listen(t, 1)
	require.Equal(t, want, got)
}

// Clocks that differ leave sound where it was said, for hours.
func TestRecordingFollowsTheClock(t *testing.T) {
	files, r, user := recording(t)
	a := user(1)
	for i := range 50 * 1200 {
		a.say(time.Duration(i)*20*ms*999_800/1_000_000, 1, "\xfca") // 200 ppm
	}
	require.NoError(t, r.Close())
	_, length := files.listen(t, 1)
	require.InDelta(t, 1200*0.9998, length.Seconds(), 0.25)
}

func TestRecordingFails(t *testing.T) {
	files, r, user := recording(t)
	files[1] = &folder{room: 1} // not even the header
	files[2] = &folder{room: 4}
	files[3] = &folder{fails: errFull}
	a, b, c := user(1), user(2), user(3)
	a.p.Arrival, a.p.Opus = a.start, []byte{0xfc}
	err := r.Write(&a.p)
	var failed *TrackError
	require.ErrorAs(t, err, &failed)
	require.ErrorIs(t, err, errFull)
	require.EqualValues(t, 1, failed.User)
	require.ErrorContains(t, err, "recording of user 1")
	require.NoError(t, r.Write(&a.p), "once")
	b.say(0, 1, "\xfca")
	b.say(time.Second, 1, "\xfcb")
	b.p.Arrival = b.start.Add(10 * time.Second)
	require.ErrorIs(t, r.Write(&b.p), errFull)
	c.say(0, 1, "\xfcc")
	err = r.Close()
	require.ErrorContains(t, err, "user 1")
	require.ErrorContains(t, err, "user 2")
	require.ErrorContains(t, err, "user 3")
	require.Equal(t, 1, files[2].closed)

	r = NewRecorder(func(snowflake.ID) (io.WriteCloser, error) { return nil, os.ErrPermission })
	require.ErrorIs(t, r.Write(&a.p), os.ErrPermission)
	require.ErrorIs(t, r.Close(), os.ErrPermission)
}

func TestTooManyToRecord(t *testing.T) {
	r := NewRecorder(func(snowflake.ID) (io.WriteCloser, error) { return &folder{}, nil })
	p := Packet{Opus: []byte{0xfc}}
	for p.User = 0; p.User <= maxTracks; p.User++ {
		require.NoError(t, r.Write(&p))
	}
	require.ErrorIs(t, r.Write(&p), ErrTracks)
	require.NoError(t, r.Write(&p))
	require.Len(t, r.Users(), maxTracks)
	require.NoError(t, r.Close())
}

func TestRecordDir(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		r := NewRecorder(RecordDir(dir))
		require.NoError(t, r.Write(&Packet{User: 7, Opus: []byte("\xfca"), Arrival: time.Now()}))
		require.NoError(t, r.Close())
	}
	for _, name := range []string{"7.opus", "7-2.opus"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "only the owner can read it")
		got, _ := listenTo(t, b)
		require.Equal(t, []heard{{0, "\xfca"}}, got)
	}
	r := NewRecorder(RecordDir(filepath.Join(dir, "missing")))
	require.ErrorIs(t, r.Write(&Packet{User: 7, Opus: []byte{0xfc}}), os.ErrNotExist)
}

// A session is recorded from the call on, by the clock of the wall, through
// changes of servers.
func TestRecordASession(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		files := cabinet{}
		r := NewRecorder(files.open)
		done := make(chan error, 1)
		go func() { done <- r.Record(context.Background(), s) }()
		sleep(time.Second)
		host.say(from(1, opus(1)))
		sleep(20 * ms)
		host.say(from(2, opus(2)))
		d.named("other.example:1", "token-2")
		sleep(time.Second)
		there := d.server("other.example:1")
		there.last().number(opcode.VoiceSpeaking, `{"speaking":1,"ssrc":5,"user_id":"104694319306248193"}`)
		sleep(0)
		there.say(rtp.Packet{Header: rtp.Header{SSRC: 5, Sequence: 9}, Payload: opus(3)})
		sleep(time.Second)
		require.NoError(t, s.Leave(t.Context()))
		require.ErrorIs(t, <-done, ErrLeft)
		require.NoError(t, r.Close())
		got, length := files.listen(t, other)
		require.Equal(t, []heard{{time.Second, string(opus(1))}, {1020 * ms, string(opus(2))}, {2020 * ms, string(opus(3))}}, got)
		require.Equal(t, 3020*ms, length)
	})
}

func TestRecordUntilTheRecorderIsClosed(t *testing.T) {
	run(t, func(t *testing.T, d *discord) {
		s, host := d.hearing()
		files := cabinet{other: &folder{room: 1}}
		r := NewRecorder(files.open)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		host.say(from(1, opus(1)))
		require.ErrorIs(t, r.Record(ctx, s), context.DeadlineExceeded, "a file that fails is no end")
		require.ErrorIs(t, r.Close(), errFull)
		host.say(from(2, opus(1)))
		require.Equal(t, ErrRecorded, r.Record(t.Context(), s))
	})
}
