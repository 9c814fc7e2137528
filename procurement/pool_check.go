package procurement

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
)

// Bounds of a pool's account: large enough for a private CA, small enough to be no burden.
const (
	maxAccount  = 64 << 10 // bytes
	maxSecret   = 8 << 10
	maxCapacity = 1_000_000_000_000
)

func (s *Service) checkPool(in PoolInput) error {
	var f duoyun.Faults
	code(&f, "code", in.Code)
	line(&f, "name", in.Name, 1, 80)
	line(&f, "supplier", in.Supplier, 1, 60)
	code(&f, "driver", in.Driver)
	if s.drivers != nil {
		oneOf(&f, "driver", in.Driver, s.drivers...)
	}
	code(&f, "site", in.Site)
	line(&f, "region", in.Region, 0, 60)
	checkShape(&f, in.Zones, in.Kinds, in.Level, in.Xinchuang)
	if len(in.Kinds) == 0 {
		f.Add("kinds", "", "须写明出售的资源类型", "says which kinds it sells")
	}
	checkCapacity(&f, in.Capacity)
	checkPlan(&f, in.Plan)
	checkAccount(&f, in.Account)
	checkSecret(&f, in.Secret)
	return f.Err()
}

func (in PoolUpdate) check() error {
	var f duoyun.Faults
	if in.Name != nil {
		line(&f, "name", *in.Name, 1, 80)
	}
	if in.Kinds != nil && len(in.Kinds) == 0 {
		f.Add("kinds", "", "须写明出售的资源类型", "says which kinds it sells")
	}
	var level duoyun.Protection
	var xinchuang duoyun.Xinchuang
	set(&level, in.Level)
	set(&xinchuang, in.Xinchuang)
	checkShape(&f, in.Zones, in.Kinds, level, xinchuang)
	checkCapacity(&f, in.Capacity)
	if in.Plan != nil {
		checkPlan(&f, *in.Plan)
	}
	checkAccount(&f, in.Account)
	if in.Secret != nil {
		checkSecret(&f, *in.Secret)
	}
	return f.Err()
}

func checkShape(f *duoyun.Faults, zones []string, kinds []duoyun.Kind, level duoyun.Protection, x duoyun.Xinchuang) {
	each(f, "zones", zones, duoyun.Zones()...)
	each(f, "kinds", kinds, duoyun.Kinds()...)
	between(f, "level", int64(level), 0, 5)
	each(f, "xinchuang.cpu", x.CPU)
	each(f, "xinchuang.os", x.OS)
}

func checkCapacity(f *duoyun.Faults, capacity map[duoyun.Dimension]int64) {
	for _, d := range slices.Sorted(maps.Keys(capacity)) {
		oneOf(f, "capacity", d, duoyun.Dimensions()...)
		between(f, "capacity."+string(d), capacity[d], 0, maxCapacity)
	}
}

// checkPlan asks for a private IPv4 range that networks of the given size can be cut from; none at all is a pool that
// needs no networks.
func checkPlan(f *duoyun.Faults, p duoyun.AddressPlan) {
	if p == (duoyun.AddressPlan{}) {
		return
	}
	r, err := netip.ParsePrefix(p.CIDR)
	if err != nil || !r.Addr().Is4() || r.Masked() != r || !r.Addr().IsPrivate() {
		f.Add("plan.cidr", p.CIDR, "应为私有 IPv4 网段，如 10.32.0.0/12", "must be a private IPv4 range, such as 10.32.0.0/12")
		return
	}
	between(f, "plan.prefix", int64(p.Prefix), int64(r.Bits()), 29)
}

// checkAccount asks for a JSON object that holds no secret: secrets come apart, and are sealed.
func checkAccount(f *duoyun.Faults, raw json.RawMessage) {
	if len(raw) == 0 {
		return
	}
	var fields map[string]any
	if len(raw) > maxAccount || json.Unmarshal(raw, &fields) != nil || fields == nil || !utf8.Valid(raw) {
		f.Add("account", fmt.Sprintf("%d bytes", len(raw)), "应为不超过 64 KiB 的 JSON 对象", "must be a JSON object of at most 64 KiB")
		return
	}
	noSecrets(f, "account", fields)
	checkTerm(f, fields["subscribe_months"])
}

// checkTerm asks for a term that every vendor sells; none, and 0, is buying on demand.
func checkTerm(f *duoyun.Faults, given any) {
	months, number := given.(float64)
	sold := func(term int) bool { return months == float64(term) }
	if given == nil || number && (sold(0) || slices.ContainsFunc(duoyun.SubscriptionTerms(), sold)) {
		return
	}
	f.Add("account.subscribe_months", clip(fmt.Sprint(given)), "应为 0（按量）或包年包月的月数：1 至 9、12、24、36",
		"must be 0 (on demand) or the months of a subscription: 1 to 9, 12, 24 or 36")
}

func noSecrets(f *duoyun.Faults, path string, fields map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		at := path + "." + clip(name)
		plain := strings.ToLower(name)
		if strings.Contains(plain, "secret") || strings.Contains(plain, "password") || strings.Contains(plain, "token") || strings.Contains(plain, "private_key") {
			f.Add(at, "(secret)", "凭据须写在 secret，不能放在账号信息里", "a credential is given as secret, not within the account")
		}
		if inner, ok := fields[name].(map[string]any); ok {
			noSecrets(f, at, inner)
		}
	}
}

func checkSecret(f *duoyun.Faults, secret string) {
	if len(secret) > maxSecret || !utf8.ValidString(secret) {
		f.Add("secret", "(secret)", "凭据不能超过 8 KiB", "a secret is at most 8 KiB of text")
	}
}
