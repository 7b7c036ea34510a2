package etf

import (
	"encoding/json"
	"math"
	"testing"
)

// messageCreate is a plausible MESSAGE_CREATE as a client gets it.
const messageCreate = `{"d":{"attachments":[],"author":{"avatar":"a_1b9dea94f9e9da0c7f1d5b2b37d5e07e","avatar_decoration_data":null,"clan":null,"discriminator":"0","global_name":"Somebody","id":"184405311681986560","primary_guild":null,"public_flags":4194304,"username":"somebody"},"channel_id":"1180000000000000001","channel_type":0,"components":[],"content":"the quick brown fox says \"hi\" to <@184405311681986561>, and jumps over the lazy dog","edited_timestamp":null,"embeds":[],"flags":0,"guild_id":"1180000000000000000","id":"1306200000000000000","member":{"avatar":null,"banner":null,"communication_disabled_until":null,"deaf":false,"flags":0,"joined_at":"2024-02-27T09:10:11.123000+00:00","mute":false,"nick":null,"pending":false,"premium_since":null,"roles":["1180000000000000002","1180000000000000003"]},"mention_everyone":false,"mention_roles":[],"mentions":[],"nonce":"1306200000000000001","pinned":false,"timestamp":"2026-11-21T07:45:47.123000+00:00","tts":false,"type":0},"op":0,"s":4242,"t":"MESSAGE_CREATE"}`

func fromDiscord(tb testing.TB, text string) []byte {
	tb.Helper()
	msg, err := Codec{AtomKeys: true, IntegerIDs: true}.AppendWire(nil, []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return msg
}

func BenchmarkSplit(b *testing.B) {
	msg := fromDiscord(b, messageCreate)
	b.SetBytes(int64(len(messageCreate)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, _, _, err := (Codec{}).Split(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	_, _, _, data, err := Codec{}.Split(fromDiscord(b, messageCreate))
	if err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, 4096)
	b.SetBytes(int64(len(messageCreate)))
	b.ReportAllocs()
	for b.Loop() {
		if dst, err = (Codec{}).AppendJSON(dst[:0], data, math.MaxInt); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDispatch is all that one dispatch costs on top of its transport.
func BenchmarkDispatch(b *testing.B) {
	msg := fromDiscord(b, messageCreate)
	dst := make([]byte, 0, 4096)
	b.SetBytes(int64(len(messageCreate)))
	b.ReportAllocs()
	for b.Loop() {
		_, _, _, data, err := (Codec{}).Split(msg)
		if err != nil {
			b.Fatal(err)
		}
		if dst, err = (Codec{}).AppendJSON(dst[:0], data, math.MaxInt); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkJSONValid and BenchmarkJSONUnmarshal are the measures to compare
// with: what encoding/json takes to check and to split the same message.
func BenchmarkJSONValid(b *testing.B) {
	msg := []byte(messageCreate)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		if !json.Valid(msg) {
			b.Fatal("invalid")
		}
	}
}

func BenchmarkJSONUnmarshal(b *testing.B) {
	msg := []byte(messageCreate)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		var envelope struct {
			Op uint            `json:"op"`
			S  int64           `json:"s"`
			T  string          `json:"t"`
			D  json.RawMessage `json:"d"`
		}
		if err := json.Unmarshal(msg, &envelope); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendWire(b *testing.B) {
	msg := []byte(messageCreate)
	dst := make([]byte, 0, 4096)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = (Codec{}).AppendWire(dst[:0], msg); err != nil {
			b.Fatal(err)
		}
	}
}
