package mls

import "errors"

// The reasons for which this package refuses foreign bytes, each wrapped with
// what was wrong with them. Nothing has changed when an error comes back.
var (
	ErrMalformed       = errors.New("mls: malformed encoding")
	ErrUnsupported     = errors.New("mls: not of the supported subset")
	ErrKeyPackage      = errors.New("mls: invalid key package")
	ErrLeaf            = errors.New("mls: invalid leaf node")
	ErrTree            = errors.New("mls: invalid ratchet tree")
	ErrSignature       = errors.New("mls: wrong signature")
	ErrMembershipTag   = errors.New("mls: wrong membership tag")
	ErrConfirmationTag = errors.New("mls: wrong confirmation tag")
	ErrDecrypt         = errors.New("mls: decryption failed")
	ErrGroup           = errors.New("mls: message of another group")
	ErrEpoch           = errors.New("mls: message of another epoch")
	ErrSender          = errors.New("mls: sender not allowed")
	ErrProposals       = errors.New("mls: invalid list of proposals")
	ErrInline          = errors.New("mls: commit carries a proposal instead of its reference")
	ErrUnknownProposal = errors.New("mls: commit refers to an unknown proposal")
	ErrDuplicate       = errors.New("mls: two members share an identity or a key")
	ErrPath            = errors.New("mls: invalid update path")
	ErrNotForUs        = errors.New("mls: welcome is for other key packages")
	ErrExternalSender  = errors.New("mls: group has other external senders")
	ErrUnrecognised    = errors.New("mls: group has a member that is not recognised")
)

// What happened to the own member.
var (
	// ErrRemoved says that a valid commit removed the own leaf. The group goes
	// on without this member, which may wipe it.
	ErrRemoved = errors.New("mls: removed from the group")
	// ErrSelfRemove says that a member cannot commit its own removal: another
	// member has to.
	ErrSelfRemove = errors.New("mls: a member cannot commit its own removal")
	// ErrOwnCommit says that the commit is from the own leaf: the next epoch is
	// [Staged.Next], which the commit came with.
	ErrOwnCommit = errors.New("mls: own commit, use the staged epoch")
	// ErrWiped says that the secrets of the epoch, joiner or signer are gone.
	ErrWiped = errors.New("mls: secrets are wiped")
)
