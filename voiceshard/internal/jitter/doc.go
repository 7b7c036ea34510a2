// Package jitter puts the packets of one RTP source in order, and measures how
// evenly they arrive. It has no clock and no lock: time is an argument,
// deadlines are results. Nothing allocates once a [Buffer] is made.
package jitter
