package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
)

// config is how a server is set up: one YAML file, then environment variables over it. Every setting has a default
// that works on one machine.
type config struct {
	Listen       string `yaml:"listen" env:"DUOYUN_LISTEN" doc:"address of the API"`
	Database     string `yaml:"database" env:"DUOYUN_DATABASE" doc:"postgres:// URL, or path of an SQLite file"`
	Redis        string `yaml:"redis" env:"DUOYUN_REDIS" doc:"redis:// URL of the limiter that replicas share; empty: in memory"`
	SealKeyFile  string `yaml:"seal_key_file" env:"DUOYUN_SEAL_KEY_FILE" doc:"64 hex digits that seal vendor secrets; made when missing; the same for every replica"`
	Role         string `yaml:"role" env:"DUOYUN_ROLE" doc:"api, worker or all"`
	VendorRate   int    `yaml:"vendor_rate" env:"DUOYUN_VENDOR_RATE" doc:"calls a second to one vendor account, all replicas together when Redis is set"`
	LogLevel     string `yaml:"log_level" env:"DUOYUN_LOG_LEVEL" doc:"debug, info, warn or error"`
	StartClock   string `yaml:"start_clock" env:"DUOYUN_START_CLOCK" doc:"where the business clock of a new database begins, such as 2026-11-25T09:00:00+08:00: demonstrations and tests only"`
	AdvanceClock bool   `yaml:"advance_clock" env:"DUOYUN_ADVANCE_CLOCK" doc:"let the system administrator move the business clock forward: demonstrations and tests only"`
}

func defaultConfig() config {
	return config{Listen: "127.0.0.1:8080", Database: "duoyun.db", SealKeyFile: "duoyun.key", Role: "all", VendorRate: 50, LogLevel: "info"}
}

// loadConfig reads the file (missing is no error unless it was named) and the environment. The error names every
// setting that is wrong.
func loadConfig(path string, named bool, getenv func(string) string) (config, error) {
	c := defaultConfig()
	raw, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
	case err != nil:
		return c, duoyun.Fail(duoyun.CodeInvalid, "config", "配置文件无法读取：%s", "the configuration file cannot be read: %s", path).Because(err)
	default:
		if err := decodeConfig(raw, &c); err != nil {
			return c, err
		}
	}
	var f duoyun.Faults
	c.fromEnvironment(getenv, &f)
	c.check(&f)
	return c, f.Err()
}

func decodeConfig(raw []byte, c *config) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(c); err != nil && !errors.Is(err, io.EOF) {
		return duoyun.Fail(duoyun.CodeInvalid, "config", "配置文件有误：%s；可用的键：%s", "the configuration file is wrong: %s; the keys are: %s",
			err.Error(), strings.Join(configKeys(), ", "))
	}
	return nil
}

func configKeys() []string {
	var keys []string
	for f := range reflect.TypeFor[config]().Fields() {
		keys = append(keys, f.Tag.Get("yaml"))
	}
	return keys
}

func (c *config) fromEnvironment(getenv func(string) string, f *duoyun.Faults) {
	v := reflect.ValueOf(c).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("env")
		given := getenv(name)
		if given == "" {
			continue
		}
		switch field := v.Field(i); field.Kind() {
		case reflect.Bool:
			b, err := strconv.ParseBool(given)
			if err != nil {
				f.Add(name, given, "应为 true 或 false", "must be true or false")
			}
			field.SetBool(b)
		case reflect.Int:
			n, err := strconv.Atoi(given)
			if err != nil {
				f.Add(name, given, "应为整数", "must be a whole number")
			}
			field.SetInt(int64(n))
		default:
			field.SetString(given)
		}
	}
}

func (c config) check(f *duoyun.Faults) {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		f.Add("listen", c.Listen, "应为 主机:端口，如 127.0.0.1:8080", "must be host:port, such as 127.0.0.1:8080")
	}
	if c.Database == "" {
		f.Add("database", "", "应为 postgres:// 地址或 SQLite 文件路径", "must be a postgres:// URL or the path of an SQLite file")
	}
	if c.Redis != "" && !strings.HasPrefix(c.Redis, "redis://") && !strings.HasPrefix(c.Redis, "rediss://") {
		f.Add("redis", c.Redis, "应为 redis:// 地址，或留空", "must be a redis:// URL, or empty")
	}
	if c.VendorRate < 1 || c.VendorRate > 100_000 {
		f.Add("vendor_rate", strconv.Itoa(c.VendorRate), "应在 1 与 100000 之间", "must be between 1 and 100000")
	}
	if _, err := time.Parse(time.RFC3339, c.StartClock); c.StartClock != "" && err != nil {
		f.Add("start_clock", c.StartClock, "应为 RFC 3339 时间，或留空", "must be an RFC 3339 time, or empty")
	}
	choice(f, "role", c.Role, "api", "worker", "all")
	choice(f, "log_level", c.LogLevel, "debug", "info", "warn", "error")
}

func choice(f *duoyun.Faults, path, given string, allowed ...string) {
	if !slices.Contains(allowed, given) {
		f.Add(path, given, "应为："+strings.Join(allowed, "、"), "must be one of: "+strings.Join(allowed, ", "))
	}
}

// vendorLimit lets two seconds' worth of calls come at once.
func (c config) vendorLimit() providers.Limit {
	return providers.Limit{Every: time.Second / time.Duration(c.VendorRate), Burst: 2 * c.VendorRate}
}

// sealKey reads the key that seals vendor secrets, and makes one where there is none, so that a first start works. A
// second replica needs the same file.
func (c config) sealKey() ([]byte, error) {
	raw, err := os.ReadFile(c.SealKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeSealKey(c.SealKeyFile); err != nil {
			return nil, err
		}
		raw, err = os.ReadFile(c.SealKeyFile) // another process may have been first: its key counts
	}
	if err != nil {
		return nil, fmt.Errorf("seal key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(raw)))
	if err != nil || len(key) != 32 {
		return nil, duoyun.Fail(duoyun.CodeInvalid, "seal_key_file", "密钥文件应为 64 个十六进制字符：%s", "the key file must hold 64 hex digits: %s", c.SealKeyFile)
	}
	return key, nil
}

// makeSealKey writes a new key beside its place and links it there, so that no reader sees half a key and an existing
// one is never replaced.
func makeSealKey(path string) error {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	tmp, err := os.CreateTemp(filepath.Dir(path), ".seal-*")
	if err != nil {
		return fmt.Errorf("seal key: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("seal key: %w", err)
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("seal key: %w", err)
	}
	return nil
}
