// Package voiceserver is a voice server that clients of Discord can talk to.
package voiceserver
