package audio_test

import (
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/discordpkg/gateway/voiceshard/audio"
)

func ExampleOpen() {
	f, err := audio.Open("testdata/speech.opus")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	length, _ := f.Length()
	packets := 0
	for {
		if _, err := f.ReadFrame(); err == io.EOF {
			break
		} else if err != nil {
			fmt.Println(err)
			return
		}
		packets++
	}
	fmt.Println(length.Round(time.Millisecond), "in", packets, "packets")
	// Output: 3.119s in 157 packets
}

// Files of other codecs are converted while they play.
func ExampleNewReader_ffmpeg() {
	cmd := exec.Command("ffmpeg", "-v", "error", "-i", "song.mp3", "-c:a", "libopus", "-b:a", "96k", "-f", "opus", "-")
	out, err := cmd.StdoutPipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = cmd.Wait() }()
	source, err := audio.NewReader(out)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(source.Position())
}
