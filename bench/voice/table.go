package main

import (
	"fmt"
	"strings"

	"github.com/discordpkg/gateway/bench/process"
	"github.com/discordpkg/gateway/bench/report"
	"github.com/discordpkg/gateway/bench/voice/caller"
)

// compared are the modules whose versions the tables depend on.
var compared = []string{
	"github.com/bwmarrin/discordgo", "github.com/disgoorg/disgo", "github.com/gobwas/ws", "golang.org/x/crypto", "golang.org/x/net",
}

// markdown returns the whole report.
func (r results) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Voice\n\n%s\n", process.Machine(compared...))
	fmt.Fprintf(&b, "A frame is 20 ms of Opus in 160 bytes. Processor time is that of the caller's process, in the kernel too; whom it talks to is\n"+
		"another process. All that is compared takes turns, figures are medians of the turns or of %d rounds; many calls are measured once.\n", r.settings.rounds)
	if r.settings.busy != "" {
		fmt.Fprintf(&b, "The load average of the machine was %s before the run.\n", r.settings.busy)
	}
	for _, section := range []string{r.cipherTable(), r.figureTable(), r.concertTable(), r.loadTable(), r.groupTable()} {
		b.WriteString(section)
	}
	if r.settings.other != nil {
		b.WriteString(report.VersusTable(r.settings.other.Name, r.versus()))
	}
	fmt.Fprintf(&b, "\n## Goals\n\n%s", r.goals())
	return b.String()
}

func (r results) cipherTable() string {
	if len(r.ciphers) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Ciphers\n\nPer packet, in memory, %d turns of %d packets. What is bare is the AEAD of the standard library or of golang.org/x/crypto,\n"+
		"with all nonces and buffers ready; two are one for each layer. The rest is all that a packet needs: header, nonce, tag and, for DAVE,\n"+
		"the trailer and the window against replays.\n\n"+
		"| mode | operation | time | allocations | bare |\n|---|---|--:|--:|--:|\n", r.settings.turns, perTurn)
	for _, c := range r.ciphers {
		fmt.Fprintf(&b, "| %s | %s | %.0f ns | %.2f | %sx |\n", c.Mode, c.Name, c.Time, c.Allocs, report.Short(c.Ratio))
	}
	return b.String()
}

func (r results) figureTable() string {
	if len(r.figures) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Packets\n\nPer packet of %d over UDP, one call without end-to-end encryption. The socket writes and reads datagrams; the floor\n"+
		"seals and opens them too, with AES-256-GCM, as do gateway and disgo. discordgo, which knows xsalsa20_poly1305 only, sends at\n"+
		"its own pace and is therefore not in the first half. Packets are received in bursts of %d.\n\n"+
		"| | client | processor time | allocations | bytes | floors | gateways |\n|---|---|--:|--:|--:|--:|--:|\n", r.settings.packets, caller.Burst)
	for _, c := range contests() {
		f, ok := r.figures[c.String()]
		if !ok {
			continue
		}
		cpu := func(name string) float64 { return r.figures[contest{part: c.part, caller: name}.String()].CPU }
		fmt.Fprintf(&b, "| %s | %s | %s us | %.2f | %.0f | %s | %s |\n", c.part, c.caller, report.Short(f.CPU/1e3), f.Allocs, f.Bytes,
			report.Ratio(f.CPU, cpu(caller.Floor)), report.Ratio(f.CPU, cpu(caller.Gateway)))
	}
	return b.String()
}

func (r results) concertTable() string {
	if len(r.concerts) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Many calls\n\n%d calls in one process speak for %v, 50 packets a second each. Lateness is that of the call of the socket's Write, against the\n"+
		"schedule that its call keeps: multiples of 20 ms after the packet that was least late within a second. Skipped is by how much that jumped,\n"+
		"because of stalls which the sender does not make up for; drift is by how much it moved besides, in the\n"+
		"median of all calls; skipped is that of the call that has most. The floor is a goroutine for each call, which sleeps until the next packet. The packets of discordgo cannot be\n"+
		"seen without changing it: it is taken for granted that it sends them all. Noise is the p99 lateness of a timer in a process that did\n"+
		"nothing else meanwhile: what the machine adds.\n\n"+
		"| client | packets/s per call | p50 | p99 | max | drift | skipped | noise | processor share | per packet | allocations/s |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
		r.settings.calls, r.settings.time)
	for _, c := range contests() {
		p, ok := r.concerts[c.String()]
		if !ok {
			continue
		}
		packets, rate := float64(p.Packets), ""
		if p.Packets == 0 {
			packets = p.Time.Seconds() * 50 * float64(p.Calls)
		} else {
			rate = fmt.Sprintf("%.2f", packets/p.Time.Seconds()/float64(p.Calls))
		}
		times := strings.Repeat(" |", 5)
		if p.Packets > 0 {
			times = fmt.Sprintf(" %s ms | %s ms | %s ms | %.3f ms | %.0f ms |", report.Short(float64(p.P50)/ms), report.Short(float64(p.P99)/ms), report.Short(float64(p.Max)/ms),
				float64(p.Drift)/ms, float64(p.Skipped)/ms)
		}
		fmt.Fprintf(&b, "| %s | %s |%s %s ms | %.1f %% of a core | %s us | %.0f |\n", c.caller, rate, times, report.Short(float64(p.Noise)/ms),
			100*p.CPU.Seconds()/p.Time.Seconds(), report.Short(float64(p.CPU)/1e3/packets), p.Allocs)
	}
	return b.String()
}

func (r results) loadTable() string {
	if len(r.loads) == 0 {
		return ""
	}
	cores := "The server has one core to itself, as far as this machine goes, and the members have the others."
	if pinning() == "" {
		cores = "Server and members share all cores."
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Voice server\n\nOne process, two sockets, %d channels of %d members without DAVE, all on the loopback interface. Each packet is opened once and sealed for\n"+
		"four others. %s Members of one channel in %d read what they get, which is\n"+
		"where copies are counted. What is lost on the way in did not fit into the sockets, because the server is too busy.\n\n"+
		"| sockets | load | packets in/s | copies out/s | lost in | lost out | processor share | per copy |\n|---|---|--:|--:|--:|--:|--:|--:|\n",
		r.settings.channels, channelSize, cores, listening)
	for _, kind := range kinds {
		for _, s := range r.settings.steps() {
			l, ok := r.loads[kind+" "+s.String()]
			if !ok {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %.0f | %.0f | %.2f %% | %.2f %% | %.0f %% of a core | %s us |\n", kind, s, l.In, l.Out, 100*l.InLoss, 100*l.OutLoss, 100*l.Share, report.Short(l.CPU/1e3))
		}
	}
	return b.String()
}

// groupLines are the lines of the table of groups.
func groupLines() []string {
	lines := []string{joins}
	for _, d := range deeds {
		lines = append(lines, d.name)
	}
	return lines
}

func (r results) groupTable() string {
	if r.lack != "" {
		return "\n## Groups\n\nNot measured: " + r.lack + ".\n"
	}
	if len(r.groups) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Groups\n\nThe last of %d members of an MLS group joins, and commits a proposal or follows somebody else's commit. It is a dave.Session or a session of\n"+
		"@snazzah/davey, which is Rust, in Node; the time is that of the one call that takes the message. Both get the same messages from the same group, in turns.\n\n"+
		"| | gateway | davey | beside davey |\n|---|--:|--:|--:|\n", r.settings.members)
	for _, name := range groupLines() {
		if c, ok := r.groups[name]; ok {
			fmt.Fprintf(&b, "| %s | %s ms | %s ms | %s |\n", name, report.Short(c.Ours), report.Short(c.Theirs), report.Ratio(c.Ours, c.Theirs))
		}
	}
	return b.String()
}
