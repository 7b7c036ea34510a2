package wire

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// A sampler makes up dispatches that look like Discord's, the same ones in
// every run.
type sampler struct{ *rand.Rand }

func newSampler() sampler { return sampler{rand.New(rand.NewPCG(1, 2))} }

func (s sampler) id() string { return fmt.Sprint(1<<60 + s.Int64N(1<<56)) }

func (s sampler) hash() string { return fmt.Sprintf("%016x%016x", s.Uint64(), s.Uint64()) }

func (s sampler) words(n int) string {
	words := []string{"the", "gateway", "is", "quite", "alive", "today", "wasn't", "it", "déjà", "vu", "👋", "release", "notes", "pls"}
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[s.IntN(len(words))])
		b.WriteByte(' ')
	}
	return b.String()
}

// name is quoted or foreign now and then.
func (s sampler) name() string {
	return []string{"alice", "Bob", "carol of the north", "d", "Eve", "Frank", `\"G\"`, "Zoë"}[s.IntN(8)]
}

func (s sampler) user() string {
	return fmt.Sprintf(`{"username":"user%d","public_flags":%d,"id":"%s","global_name":"%s","discriminator":"0","clan":null,"avatar_decoration_data":null,"avatar":"%s"}`,
		s.IntN(1e6), s.IntN(2)*64, s.id(), s.name(), s.hash())
}

func (s sampler) member() string {
	return fmt.Sprintf(`{"roles":["%s","%s"],"premium_since":null,"pending":false,"nick":null,"mute":false,"joined_at":"2024-03-0%dT12:00:00.123000+00:00","flags":%d,"deaf":false,"communication_disabled_until":null,"banner":null,"avatar":null}`,
		s.id(), s.id(), 1+s.IntN(9), s.IntN(3))
}

func (s sampler) message() string {
	return fmt.Sprintf(`{"type":0,"tts":false,"timestamp":"2026-08-01T10:11:12.%d000+00:00","pinned":false,"mentions":[],"mention_roles":[],"mention_everyone":false,"member":%s,"id":"%s","flags":0,"embeds":[],"edited_timestamp":null,"content":"%s","components":[],"channel_id":"%s","author":%s,"attachments":[],"guild_id":"%s"}`,
		100+s.IntN(900), s.member(), s.id(), s.words(24), s.id(), s.user(), s.id())
}

func (s sampler) guild(size int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"id":"%s","name":"A guild","large":true,"member_count":%d,"roles":[],"members":[`, s.id(), size)
	for b.Len() < size {
		m := s.member()
		fmt.Fprintf(&b, `%s,"user":%s},`, m[:len(m)-1], s.user())
	}
	return strings.TrimSuffix(b.String(), ",") + `],"emojis":[],"channels":[]}`
}

func dispatch(event, data string) []byte {
	return AppendDispatch(nil, 123456, event, []byte(data))
}

// samples are messages of all sizes; several of each, so that no branch is
// predicted because it was learned by heart.
func samples() map[string][][]byte {
	s, all := newSampler(), map[string][][]byte{}
	for range 64 {
		all["small"] = append(all["small"], dispatch("TYPING_START", fmt.Sprintf(`{"user_id":"%s","timestamp":%d,"channel_id":"%s"}`, s.id(), s.IntN(1e9), s.id())))
		all["message"] = append(all["message"], dispatch("MESSAGE_CREATE", s.message()))
	}
	for range 8 {
		all["10kB"] = append(all["10kB"], dispatch("GUILD_CREATE", s.guild(10_000)))
	}
	all["200kB"] = append(all["200kB"], dispatch("GUILD_CREATE", s.guild(200_000)))
	return all
}

// BenchmarkScan compares what one message costs: the scan, only its head, and
// what encoding/json takes to judge it and to take the envelope apart.
func BenchmarkScan(b *testing.B) {
	all := samples()
	for _, size := range []string{"small", "message", "10kB", "200kB"} {
		var e Envelope
		var std struct {
			Op    uint            `json:"op"`
			Seq   *int64          `json:"s"`
			Event *string         `json:"t"`
			Data  json.RawMessage `json:"d"`
		}
		for _, way := range []struct {
			name string
			scan func([]byte) error
		}{
			{"unmarshal", e.Unmarshal},
			{"head", e.Head},
			{"json.Valid", func(b []byte) error { json.Valid(b); return nil }},
			{"json.Unmarshal", func(b []byte) error { return json.Unmarshal(b, &std) }},
		} {
			b.Run(size+"/"+way.name, func(b *testing.B) {
				msgs, total := all[size], 0
				for _, m := range msgs {
					total += len(m)
				}
				b.SetBytes(int64(total / len(msgs)))
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if err := way.scan(msgs[i%len(msgs)]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
