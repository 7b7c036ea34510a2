// Package audio reads and writes files of Opus: Ogg, WebM and Matroska, and
// DCA. It takes containers apart and does not decode what is in them: Discord
// plays Opus as it is, so a file of another codec has to be converted first.
// ffmpeg does that, also while it plays:
//
//	ffmpeg -i song.mp3 -c:a libopus -b:a 96k -f opus -
//
// [Open] and [NewReader] recognize the container. Every reader is a [Source],
// which is what a player takes, and knows lengths and positions where the
// container does. A reader over an [io.Seeker] can seek.
//
// Files are foreign: nothing is allocated because a file says so, damaged parts
// are skipped where the container allows it, and errors say where the file is
// wrong. No reader or writer here is safe for concurrent use.
//
// Volume is a property of the encoder and of the listener. To change that of
// Opus packets they would have to be decoded and encoded again.
package audio
