package main

import (
	"encoding/json"
	"os"

	"github.com/duoyun/duoyun"
)

// tokenFile is what init and demo leave for the people who use them: who may come in, and where.
type tokenFile struct {
	Server string            `json:"server,omitempty"`
	Tokens map[string]string `json:"tokens"` // login → bearer token
}

func readTokens(path string) (tokenFile, error) {
	var t tokenFile
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &t)
	}
	if err != nil {
		return t, duoyun.Fail(duoyun.CodeInvalid, "tokens", "令牌文件无法读取：%s", "the token file cannot be read: %s", path).Because(err)
	}
	return t, nil
}

func (t tokenFile) write(path string) error {
	raw, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(raw, '\n'), 0o600)
}

// connect makes a client from the flags, then the environment, then the token file.
func (a *app) connect() (*client, error) {
	server, token := first(a.server, a.getenv("DUOYUN_SERVER")), first(a.token, a.getenv("DUOYUN_TOKEN"))
	if path := first(a.tokens, a.getenv("DUOYUN_TOKENS")); path != "" {
		file, err := readTokens(path)
		if err != nil {
			return nil, err
		}
		server = first(server, file.Server)
		if login := first(a.as, a.getenv("DUOYUN_AS")); login != "" && a.token == "" {
			if token = file.Tokens[login]; token == "" {
				return nil, duoyun.Fail(duoyun.CodeInvalid, "as", "令牌文件中没有用户 %s", "the token file has no user %s", login)
			}
		}
	}
	if token == "" {
		return nil, &exitError{exitForbidden, duoyun.Fail(duoyun.CodeUnauthorized, "token",
			"请用 --token 或环境变量 DUOYUN_TOKEN 给出令牌，或用 --tokens 文件 --as 登录名；新装的系统先运行 duoyun init",
			"give a token by --token or DUOYUN_TOKEN, or take one by --tokens FILE --as LOGIN; a new installation begins with duoyun init")}
	}
	return newClient(first(server, "http://127.0.0.1:8080"), token, a.language()), nil
}
