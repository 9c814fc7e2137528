package providers

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/duoyun/duoyun/providers/driver"
)

const (
	hidden   = "(secret)"
	maxWords = 600 // bytes of a vendor's message that are kept
)

func (c *Cloud) secrets() []string {
	if s := c.account.Secret.Reveal(); s != "" {
		return []string{s}
	}
	return nil
}

// clean makes a vendor's words fit to be kept: without our secrets, valid UTF-8, and short.
func (c *Cloud) clean(words string) string {
	if words = c.withoutSecrets(words); len(words) <= maxWords {
		return words
	}
	cut := maxWords
	for !utf8.RuneStart(words[cut]) {
		cut--
	}
	return words[:cut] + "…"
}

// verbatim is an answer that said a mutation succeeded, without secrets: what nobody can make sense of is kept as it came.
func (c *Cloud) verbatim(t *driver.Transcript) string {
	body, ok := t.Succeeded()
	if !ok || len(body) == 0 {
		return ""
	}
	if redacted := redactJSON(body, c.secrets()...); redacted != nil {
		return string(redacted)
	}
	return c.withoutSecrets(string(body))
}

func (c *Cloud) withoutSecrets(words string) string {
	words = strings.ToValidUTF8(words, "�")
	for _, s := range c.secrets() {
		words = strings.ReplaceAll(words, s, hidden)
	}
	return words
}

// redactJSON hides the values of fields that hold credentials, and our own secrets wherever they are. What is not JSON
// is dropped: it is evidence of nothing.
func redactJSON(raw json.RawMessage, secrets ...string) json.RawMessage {
	if len(raw) == 0 {
		return nil
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return nil
	}
	out, err := json.Marshal(redact(v, secrets))
	if err != nil {
		return nil
	}
	return out
}

func redact(v any, secrets []string) any {
	switch t := v.(type) {
	case map[string]any:
		for k, e := range t {
			if confidential(k) {
				t[k] = hidden
			} else {
				t[k] = redact(e, secrets)
			}
		}
	case []any:
		for i, e := range t {
			t[i] = redact(e, secrets)
		}
	case string:
		for _, s := range secrets {
			t = strings.ReplaceAll(t, s, hidden)
		}
		return t
	}
	return v
}

func confidential(key string) bool {
	key = strings.ToLower(key)
	for _, word := range []string{"password", "adminpass", "secret", "token", "private_key", "user_data", "credential"} {
		if strings.Contains(key, word) {
			return true
		}
	}
	return false
}
