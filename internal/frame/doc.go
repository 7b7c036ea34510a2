// Package frame reads and writes the frames of a websocket connection, from
// either end, without allocating for each of them.
//
// [Reader] hands out messages straight from its read buffer. The rules of the
// protocol are those of [ws.CheckHeader]; text is not checked for being UTF-8,
// because its parser does so.
//
// https://www.rfc-editor.org/rfc/rfc6455#section-5
package frame
