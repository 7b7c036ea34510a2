// Package mls is the part of the Messaging Layer Security protocol (RFC 9420)
// that DAVE, Discord's end-to-end encryption of voice, needs, for its members
// and for the voice gateway between them.
//
// It has no clock, no socket and no state but its values. All byte inputs are
// taken to be foreign: lengths are bounded by the bytes that are there, the
// tree by 16384 leaves, and a message is accepted whole or not at all.
//
// # The subset
//
// Cipher suite 2 (DHKEM P-256, HKDF-SHA256, AES-128-GCM, ECDSA P-256), basic
// credentials, public messages. The external sender of a group proposes Adds
// and Removes, members commit to them by reference. A commit that only adds
// has no update path. Welcomes carry the tree inline. What DAVE adds to MLS
// is kept: no proposal inside a commit, no identity twice in a group, exactly
// one external sender, nobody changes identity or signature key, lifetimes
// are not looked at. What neither needs is refused with [ErrUnsupported]:
// private messages, other proposals, pre-shared keys, external commits.
//
// # Members
//
// A [Joiner] is a key package with its private keys. [Joiner.CreateGroup] and
// [Joiner.Join] make a [Group], which is one epoch and does not change:
// [Group.Commit] and [Group.Process] return the next one, and an error leaves
// nothing behind. A staged commit that the voice gateway does not pick is
// forgotten, or wiped.
//
//	p, rest, err := group.ParseProposal(list) // of opcode 27
//	staged, err := group.Commit([]*mls.Proposal{p})
//	// send staged.Commit and staged.Welcome (opcode 28), and if it wins:
//	group = staged.Next
//	// if the commit of another member wins (opcode 29):
//	group, err = group.Process(commit, []*mls.Proposal{p})
//
// # The voice gateway
//
// An [ExternalSigner] makes the proposals. [InspectCommit] and [SplitWelcome]
// read what members answer, without the secrets of the group.
//
// # Secrets
//
// Private keys and epoch secrets are overwritten by Wipe, and each Group has
// copies of its own. No fmt verb shows one. The standard library makes copies
// while it computes, which the garbage collector frees as they are.
//
// # Official vectors
//
// The vectors of github.com/mlswg/mls-implementations at commit cfd4502, all
// cases of cipher suite 2:
//
//	file                            cases  remark
//	crypto-basics                       1  pass
//	deserialization                    14  pass
//	key-schedule                        1  pass, five epochs
//	message-protection                  1  public proposal and commit pass; there are no private messages in DAVE
//	messages                           40  pass, of 300; private and application messages are refused
//	passive-client-handling-commit     13  pass, see below
//	passive-client-welcome              8  pass, see below
//	transcript-hashes                   1  pass
//	tree-math                          10  pass
//	tree-operations                     5  pass; of suite 1, which has the same hash
//	tree-validation                    14  pass
//	treekem                            11  pass, both directions
//	welcome                             1  pass
//	passive-client-random               0  has suite 1 only
//	psk_secret                          0  no pre-shared keys in DAVE
//	secret-tree                         0  for private messages
//
// The groups of the passive clients have Updates, inline proposals, group
// context extensions and pre-shared keys. Their tests read those themselves
// and leave tree, path, transcript, key schedule and Welcome to this package.
package mls
