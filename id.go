package duoyun

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// NewID returns a UUIDv7 (RFC 9562) for now. Ids order roughly by time, not by commit: nothing may read
// "everything after the last id".
func NewID(now time.Time) string {
	var u [16]byte
	if _, err := rand.Read(u[6:]); err != nil {
		panic(err) // crypto/rand never fails on a supported system
	}
	ms := uint64(now.UnixMilli())
	binary.BigEndian.PutUint16(u[0:2], uint16(ms>>32))
	binary.BigEndian.PutUint32(u[2:6], uint32(ms))
	u[6] = u[6]&0x0f | 0x70
	u[8] = u[8]&0x3f | 0x80
	h := hex.EncodeToString(u[:])
	return strings.Join([]string{h[0:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// IsID reports whether s has the form of an id, so that a path parameter may hold an id or a number 单号.
func IsID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-'
}

// Mark is the name a unit bears at its vendor: part of the create call itself, the same for ever. It is plain ASCII
// and short enough for every vendor's tag, name and description fields.
func Mark(resourceID string) string { return "dy-" + strings.ReplaceAll(resourceID, "-", "") }

// IsMark reports whether s is a full mark of ours.
func IsMark(s string) bool {
	if len(s) != 35 || !strings.HasPrefix(s, "dy-") {
		return false
	}
	_, err := hex.DecodeString(s[3:])
	return err == nil
}

// ResourceOfMark returns the resource id within a mark; IsMark must hold.
func ResourceOfMark(mark string) string {
	h := mark[3:]
	return strings.Join([]string{h[0:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// StepToken is the idempotency token of one vendor mutation: the mark with generation and step, at most 64 ASCII bytes
// (the shortest limit among the vendors).
func StepToken(mark string, generation, step int) string {
	return fmt.Sprintf("%s-g%d-s%d", mark, generation, step)
}
