// Package etf translates between Erlang's External Term Format, the binary
// encoding of Discord's gateway, and JSON. It goes straight from bytes to
// bytes: a handler sees the same JSON whichever encoding is on the wire.
//
// [Codec] serves one gateway connection, [Marshal] and [Unmarshal] serve Go
// values. The zero Codec writes what Discord accepts from a client; its fields
// make it write what Discord sends.
//
// # Terms to JSON
//
//	atom nil, null             null
//	atom true, false           true, false
//	any other atom             string
//	BINARY                     string
//	SMALL_INTEGER, INTEGER     number
//	SMALL_BIG, LARGE_BIG       number up to 2^53, beyond it string
//	FLOAT, NEW_FLOAT           number
//	LIST, NIL, tuples          array
//	STRING (a list of bytes)   array of numbers
//	MAP                        object
//
// The rule for big integers is what makes identifiers come out alike. Discord
// sends a snowflake as an integer in this encoding and as a string in JSON;
// every snowflake made since 25 January 2015 is beyond 2^53, the end of the
// integers that JSON numbers hold safely. What is smaller, such as the
// milliseconds of an activity's timestamps and the bits of a user's flags, is
// a number in both.
//
// Strings and atoms are UTF-8; what is not becomes U+FFFD, as in
// [encoding/json]. The keys of a map may be binaries, atoms or integers, and
// are strings in JSON whichever they are: the atom nil is the key "nil".
// Duplicate keys are passed on as they are, in both directions.
//
// Compressed terms, improper lists, integers beyond 64 bits, infinities, and
// the terms of an Erlang node (processes, ports, references, functions, bit
// strings) are refused: Discord sends none.
//
// # JSON to terms
//
// Strings and keys become BINARY, as Discord answers atoms for keys with close
// code 4002. A number without fraction and exponent becomes the smallest of
// SMALL_INTEGER, INTEGER and SMALL_BIG that holds it, any other NEW_FLOAT.
// Null, true and false become the atoms nil, true and false; they are written
// as SMALL_ATOM, the one form that every decoder in use reads. Arrays become
// LIST, and NIL when empty.
//
// # Limits
//
// Containers nest at most [Codec.MaxDepth] deep. Input is at most 1 GiB. For
// n bytes of input, output is at most 6n bytes of JSON and 3n+1 bytes of terms,
// and JSON no more than the caller allows; nothing is allocated for a length that the peer only claims. Into a
// destination with room, neither direction allocates while containers nest at
// most 32 deep and numbers are at most 32 characters long.
//
// Sources:
// https://discord.com/developers/docs/events/gateway#using-etf-encoding and
// https://www.erlang.org/doc/apps/erts/erl_ext_dist.html
package etf
