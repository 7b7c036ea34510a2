package signaling

// maxReplay is how many messages can be kept: more could not be told apart by
// numbers of 16 bits.
const maxReplay = 1 << 15

// replayLimits bound what a session remembers.
type replayLimits struct {
	messages int
	bytes    int
}

// A replayBuffer holds the latest numbered messages of a session, without
// gaps. JSON and binary messages share the numbers.
//
// https://discord.com/developers/docs/topics/voice-connections#buffered-resume
type replayBuffer struct {
	frames []Frame // from first on
	first  int
	bytes  int
	last   uint16 // number of the last message
	count  uint64 // of all messages so far
}

// next returns the number of the message that is pushed next.
func (b *replayBuffer) next(first uint16) uint16 {
	if b.count == 0 {
		return first
	}
	return b.last + 1
}

func (b *replayBuffer) push(seq uint16, f Frame, limits replayLimits) {
	b.frames = append(b.frames, f)
	b.bytes += len(f.Data)
	b.last = seq
	b.count++
	for b.first < len(b.frames) && (len(b.frames)-b.first > limits.messages || b.bytes > limits.bytes) {
		b.bytes -= len(b.frames[b.first].Data)
		b.frames[b.first] = Frame{}
		b.first++
	}
	if b.first > len(b.frames)/2 { // each frame is moved once at most
		n := copy(b.frames, b.frames[b.first:])
		clear(b.frames[n:])
		b.frames, b.first = b.frames[:n], 0
	}
}

// after returns what was sent after the message with the number ack, all of it
// for -1, and false if some of it is forgotten or was never sent.
func (b *replayBuffer) after(ack int) (frames []Frame, ok bool) {
	kept := b.frames[b.first:]
	missing := uint64(uint16(int(b.last) - ack))
	if ack < 0 {
		missing = b.count
	}
	if ack > 0xffff || missing > uint64(len(kept)) || ack >= 0 && b.count == 0 {
		return nil, false
	}
	return kept[uint64(len(kept))-missing:], true
}
