// Package mls is the part of the Messaging Layer Security protocol (RFC 9420)
// that DAVE, Discord's end-to-end encryption, needs: cipher suite 2, public
// messages, basic credentials, Adds and Removes of an external sender.
package mls
