package providers

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// longestCheck bounds a check: a dozen reads.
const longestCheck = time.Minute

// Check opens a pool's account anew and proves it with read-only calls: nothing of what the directory keeps is asked, so
// that a key just changed is the key that is tried. What is amiss is told as faults; an error is one of our own store.
//
// Images that the pool sells and its account does not map are looked for by their own names: what is not there is told
// before anything is bought.
func (d *Directory) Check(ctx context.Context, poolID string) (duoyun.PoolCheck, error) {
	ctx, cancel := context.WithTimeout(ctx, longestCheck)
	defer cancel()
	pool, secret, err := d.pools.PoolAccount(ctx, poolID)
	if err != nil {
		return duoyun.PoolCheck{}, err
	}
	check := duoyun.PoolCheck{Pool: pool}
	faults := (*duoyun.Faults)(&check.Faults)
	opener, a, err := d.account(pool, secret)
	if err != nil {
		return check, err
	}
	a.Mapping.Images = maps.Clone(a.Mapping.Images)
	for _, image := range pool.Xinchuang.OS {
		if a.Mapping.Images == nil {
			a.Mapping.Images = map[string]string{}
		}
		if a.Mapping.Images[image] == "" {
			a.Mapping.Images[image] = image
		}
	}
	wrapper := &Cloud{pool: pool, account: a, cloud: closed{}}
	cloud, err := opener(ctx, a)
	if err != nil {
		check.Faults = append(check.Faults, wrapper.fault("account", err))
		return check, nil
	}
	wrapper.cloud = cloud
	for _, k := range duoyun.Kinds() {
		if _, ok := cloud.Kind(k); ok {
			check.Kinds = append(check.Kinds, k)
		} else if slices.Contains(pool.Kinds, k) {
			faults.Add("kinds", string(k), "资源池出售而账号不提供此类资源", "the pool sells a kind that the account does not offer")
		}
	}
	if c, ok := driver.As[driver.Checker](cloud); ok {
		for _, f := range c.Check(ctx) {
			f.Given = wrapper.clean(f.Given)
			check.Faults = append(check.Faults, f)
		}
	}
	wrapper.tell(ctx, &check)
	return check, nil
}

// tell adds what the driver can say of the account beside faults; what cannot be read is one.
func (c *Cloud) tell(ctx context.Context, check *duoyun.PoolCheck) {
	if q, ok := driver.As[driver.QuotaReader](c.cloud); ok {
		quota, err := q.Quota(ctx)
		if err != nil {
			check.Faults = append(check.Faults, c.fault("quota", err))
		}
		check.Quota = quota
	}
	if f, ok := driver.As[driver.Catalogue](c.cloud); ok {
		flavors, err := f.Flavors(ctx)
		if err != nil {
			check.Faults = append(check.Faults, c.fault("flavors", err))
		}
		check.Flavors = len(flavors)
	}
	if b, ok := driver.As[driver.BalanceReader](c.cloud); ok {
		if balance, err := b.Balance(ctx); err != nil {
			check.Faults = append(check.Faults, c.fault("balance", err))
		} else {
			check.Balance = &balance
		}
	}
}

// fault tells what a call came to: the meaning of its code, and the vendor's words.
func (c *Cloud) fault(path string, err error) duoyun.Fault {
	return duoyun.Fault{Path: path, Rule: meaning(c.wrap("check", "account", err).Code), Given: c.clean(err.Error())}
}
