// Package discord has every dispatch event of the gateway as a struct, with all
// that it may hold, and reads them at a small part of the cost of encoding/json.
//
//	e := new(discord.MessageCreate)
//	err := e.DecodeJSON(payload.Data)
//
// The structs, enumerations, sets of flags and decoders are generated from a
// table of what Discord documents (tools/schema). Each names the paragraph.
//
// # Presence
//
// Discord tells apart a key that is missing, a null and a value. So does [Opt],
// where that can matter: its Value is zero for the first two.
//
//	required            T, and a list as [List], which is never null in JSON
//	may be missing      string, [Timestamp], id, set, list, map: zero or nil says so
//	                    object: nil says so; number, enumeration, bool: [Opt]
//	may be null         id, [Timestamp], list, object: zero or nil says so; else [Opt]
//	both                [Opt]
//
// A decoder takes null for any field and bears the absence of any: the documents
// do not keep up with what Discord sends.
//
// # What is not known
//
// Enumerations keep values that are newer than this package, sets keep bits,
// polymorphic parts become an [Unknown]. Unknown fields are not looked at; Raw of
// an event is the JSON that it came as, from which they can be read.
//
// # Memory
//
// DecodeJSON copies the message once. All strings of the event are parts of that
// copy, so the event may be kept for ever, and one string that is kept keeps the
// copy. [DecodeInto] copies nothing; read its warning.
//
// # Leniency
//
// A value that does not fit its field, such as a string where a number belongs,
// leaves the field zero and is no error: Discord changes details at any time, and
// an event with one bad field is still an event. [Strict] reports it, with its
// path. What is no JSON is an error of each of them.
//
// # encoding/json
//
// Encoding is that of encoding/json, by struct tags and the methods of the few
// types that need them; it reads these structs as well, with the same result.
package discord
