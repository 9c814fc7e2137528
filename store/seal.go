package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"github.com/duoyun/duoyun"
)

// sealVersion begins every sealed value, so that another way of sealing can be told apart one day.
const sealVersion = 1

// newSeal makes the cipher that seals secrets at rest, AES-256-GCM; no key gives none.
func newSeal(key []byte) (cipher.AEAD, error) {
	if len(key) == 0 {
		return nil, nil
	}
	if len(key) != 32 {
		return nil, duoyun.Fail(duoyun.CodeInvalid, "seal_key", "密封密钥应为 32 字节，现为 %d 字节", "the seal key has 32 bytes, not %d", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal encrypts a secret for one row; the row's id is bound to it, so that it opens nowhere else.
func (s *Store) seal(rowID, secret string) ([]byte, error) {
	if s.sealing == nil {
		return nil, noSealKey()
	}
	nonce := make([]byte, s.sealing.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return s.sealing.Seal(append([]byte{sealVersion}, nonce...), nonce, []byte(secret), []byte(rowID)), nil
}

// unseal opens what seal made; nothing sealed is "".
func (s *Store) unseal(rowID string, sealed []byte) (string, error) {
	if len(sealed) == 0 {
		return "", nil
	}
	if s.sealing == nil {
		return "", noSealKey()
	}
	n := 1 + s.sealing.NonceSize()
	if len(sealed) < n || sealed[0] != sealVersion {
		return "", unopened()
	}
	secret, err := s.sealing.Open(nil, sealed[1:n], sealed[n:], []byte(rowID))
	if err != nil {
		return "", unopened().Because(err)
	}
	return string(secret), nil
}

// Derive gives 32 bytes that the seal key and the label alone determine: a secret that need not be kept, because it can
// be made again. Another seal key makes another secret.
func (s *Store) Derive(label string) ([]byte, error) {
	if len(s.sealKey) == 0 {
		return nil, noSealKey()
	}
	m := hmac.New(sha256.New, s.sealKey)
	m.Write([]byte(label))
	return m.Sum(nil), nil
}

func noSealKey() *duoyun.Error {
	return duoyun.Fail(duoyun.CodeUnavailable, "secret", "未配置密封密钥（seal_key），不能保存或使用凭据", "no seal key is configured: secrets can be neither kept nor used")
}

func unopened() *duoyun.Error {
	return duoyun.Fail(duoyun.CodeUnavailable, "secret", "凭据无法解封：密封密钥已更换，或数据被改动", "the secret does not open: the seal key was changed, or the data were")
}
