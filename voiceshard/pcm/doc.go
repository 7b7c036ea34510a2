// Package pcm turns Opus into samples and samples into Opus, without cgo: for
// speech recognition and synthesis, for volume, mixing and cross-fades, and for
// WAV files.
//
// Sound in this package is 48 kHz stereo, float32 from -1 to 1, interleaved: left,
// right, left, right. A [Source] is a stream of it.
//
//	file, err := pcm.Open("song.wav")                  // WAV and Opus; see below for others
//	mixer := pcm.NewMixer(pcm.MixerConfig{})
//	track, err := mixer.Add(file, pcm.TrackConfig{Gain: 0.5})
//	encoder, err := pcm.NewEncoder(mixer, pcm.EncoderConfig{Bitrate: 96_000})
//	player, err := session.Play(ctx, encoder)          // of package voiceshard
//
// [NewReceiver] is the other direction: what each user of a call says, on one
// clock, with losses concealed, and cut into utterances if wanted.
//
// Packages mp3, flac and vorbis below this one read those formats. Importing one
// makes [Open] recognize it; a program that imports none pays for none.
//
// The codec is github.com/thesyncim/gopus. It is behind [Codec], two small
// interfaces, so that another one can take its place. This package keeps it from
// what it cannot take: samples that are no numbers become silence, those beyond
// full scale are clipped, and a panic of the codec becomes an error and a new
// codec.
//
// Nothing here is safe for concurrent use unless its comment says so.
package pcm
