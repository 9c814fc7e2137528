package aws

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// limit is a quota of the account by its code (docs.aws.amazon.com/general/latest/gr/aws-service-information.html).
type limit struct {
	service, code string
	unit          float64 // of ours in one of the vendor's
	dimension     duoyun.Dimension
	used          func(context.Context) (int64, error)
}

// limits are what stands in the way of more: the vCPU of instances of the standard families, gp3 storage (in TiB), public
// addresses, databases and cache nodes. S3 has no quota of sizes.
func (c *Cloud) limits() []limit {
	return []limit{
		{"ec2", "L-1216C47A", 1, duoyun.QuotaVCPU, c.usedVCPU},
		{"ebs", "L-7A658B76", 1024, duoyun.QuotaDiskGiB, c.usedStorage},
		{"ec2", "L-0263D0A3", 1, duoyun.QuotaAddresses, func(ctx context.Context) (int64, error) { return count(c.addresses().every(ctx)) }},
		{"rds", "L-7B6409FD", 1, duoyun.QuotaDatabases, func(ctx context.Context) (int64, error) { return count(c.databases().every(ctx)) }},
		{"elasticache", "L-DFE45DF3", 1, duoyun.QuotaCaches, c.usedNodes},
	}
}

func count[T any](all []T, err error) (int64, error) { return int64(len(all)), err }

func (c *Cloud) usedVCPU(ctx context.Context) (sum int64, err error) {
	all, err := c.servers().every(ctx)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	types, err := c.types(nil).every(ctx)
	vcpu := map[string]int64{}
	for _, t := range types {
		vcpu[t.Name] = t.VCPU
	}
	for _, v := range all {
		if v.State != "stopped" {
			sum += vcpu[v.Type]
		}
	}
	return sum, err
}

func (c *Cloud) usedStorage(ctx context.Context) (sum int64, err error) {
	all, err := c.disks().every(ctx)
	for _, v := range all {
		if v.Type == "gp3" {
			sum += v.Size
		}
	}
	return sum, err
}

func (c *Cloud) usedNodes(ctx context.Context) (sum int64, err error) {
	all, err := c.caches().every(ctx)
	for _, v := range all {
		sum += int64(len(v.Nodes))
	}
	return sum, err
}

// Quota implements driver.QuotaReader.
func (c *Cloud) Quota(ctx context.Context) (map[duoyun.Dimension]driver.Allowance, error) {
	all := map[duoyun.Dimension]driver.Allowance{}
	for _, l := range c.limits() {
		var answer struct{ Quota struct{ Value json.Number } }
		if err := c.ask(ctx, limits, "GetServiceQuota", map[string]string{"ServiceCode": l.service, "QuotaCode": l.code}, &answer); err != nil {
			return nil, err
		}
		value, err := strconv.ParseFloat(answer.Quota.Value.String(), 64)
		if err != nil {
			return nil, errHollow
		}
		used, err := l.used(ctx)
		if err != nil {
			return nil, err
		}
		all[l.dimension] = driver.Allowance{Limit: int64(math.Floor(value * l.unit)), Used: used}
	}
	return all, nil
}

// volumeTypes are the vendor's, which no action lists (docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html).
func volumeTypes() []string { return []string{"gp2", "gp3", "io1", "io2", "st1", "sc1", "standard"} }

// Check implements driver.Checker: it reads each service once and everything the account's mapping names.
func (c *Cloud) Check(ctx context.Context) []duoyun.Fault {
	var f duoyun.Faults
	for _, k := range duoyun.Kinds() {
		if kind, ok := c.kinds[k]; ok {
			if _, err := kind.List(ctx, ""); err != nil {
				f.Add("account."+string(k), string(Code(err)), "此类资源无法读取：密钥缺少权限，或端点不对", "the kind cannot be read: the key lacks a permission, or the endpoint is wrong")
			}
		}
	}
	if _, err := c.Quota(ctx); err != nil {
		f.Add("account.quota", string(Code(err)), "配额无法读取", "the quotas cannot be read")
	}
	for portable, mapped := range c.account.Mapping.Images {
		if _, err := c.image(ctx, portable); err != nil {
			f.Add("mapping.images."+portable, mapped, "云上没有此镜像", "the cloud has no such image")
		}
	}
	zones, err := c.zones(ctx)
	for zone, mapped := range c.account.Mapping.Zones {
		if err != nil || mapped != "" && !slices.Contains(zones, mapped) {
			f.Add("mapping.zones."+zone, mapped, "云上没有此可用区，或不可用", "the cloud has no such availability zone, or it is down")
		}
	}
	c.checkClasses(&f)
	flavors, err := c.Flavors(ctx)
	for i, family := range c.account.Mapping.Families {
		if err != nil || !slices.ContainsFunc(flavors, func(v driver.Flavor) bool { return v.Family == family }) {
			f.Add("mapping.families["+strconv.Itoa(i)+"]", family, "地域不出售此规格族", "the region sells no such family")
		}
	}
	return f
}

// checkClasses knows the volume types; of node types it knows those it would choose itself.
func (c *Cloud) checkClasses(f *duoyun.Faults) {
	for class, mapped := range c.account.Mapping.Classes {
		if !isCacheSize(class) && !slices.Contains(volumeTypes(), mapped) {
			f.Add("mapping.classes."+class, mapped, "云上没有此卷类型", "the cloud has no such volume type")
		}
	}
}
