package document

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/duoyun/duoyun"
)

func serverFields() []field[duoyun.ServerSpec] {
	type s = duoyun.ServerSpec
	return []field[s]{
		wholeField("vcpu", "核数", func(s *s) *int64 { return &s.VCPU }),
		wholeField("ram_gib", "内存", func(s *s) *int64 { return &s.RAMGiB }),
		wholeField("system_disk_gib", "系统盘", func(s *s) *int64 { return &s.SystemDiskGiB }),
		namedField("image", "镜像", systemNames(), func(s *s) *string { return &s.Image }),
		portsField(),
	}
}

// portsField reads the TCP ports of a server's security group.
func portsField() field[duoyun.ServerSpec] {
	return field[duoyun.ServerSpec]{"ports", "开放端口",
		func(r *reader, at string, n *yaml.Node, into *duoyun.ServerSpec) {
			for i, e := range r.sequence(at, n, true) {
				if p, ok := r.whole(index(at, i), e); ok {
					into.Ports = append(into.Ports, int(p))
				} else {
					r.spoiled[at] = true
				}
			}
		},
		func(from *duoyun.ServerSpec) *yaml.Node { return writeList(from.Ports, writeWhole[int]) },
	}
}

func diskFields() []field[duoyun.DiskSpec] {
	type s = duoyun.DiskSpec
	return []field[s]{
		wholeField("size_gib", "容量", func(s *s) *int64 { return &s.SizeGiB }),
		namedField("class", "存储类型", classNames(), func(s *s) *string { return &s.Class }),
	}
}

func bucketFields() []field[duoyun.BucketSpec] {
	type s = duoyun.BucketSpec
	return []field[s]{
		wholeField("size_gib", "容量", func(s *s) *int64 { return &s.SizeGiB }),
		namedField("class", "存储类型", classNames(), func(s *s) *string { return &s.Class }),
	}
}

func databaseFields() []field[duoyun.DatabaseSpec] {
	type s = duoyun.DatabaseSpec
	return []field[s]{
		namedField("engine", "引擎", engineNames(), func(s *s) *string { return &s.Engine }),
		textField("version", "版本", func(s *s) *string { return &s.Version }),
		wholeField("vcpu", "核数", func(s *s) *int64 { return &s.VCPU }),
		wholeField("ram_gib", "内存", func(s *s) *int64 { return &s.RAMGiB }),
		wholeField("storage_gib", "存储容量", func(s *s) *int64 { return &s.StorageGiB }),
		flagField("standby", "主备", func(s *s) *bool { return &s.Standby }),
	}
}

func cacheFields() []field[duoyun.CacheSpec] {
	type s = duoyun.CacheSpec
	return []field[s]{
		textField("version", "版本", func(s *s) *string { return &s.Version }),
		wholeField("memory_gib", "内存", func(s *s) *int64 { return &s.MemoryGiB }),
		flagField("standby", "主备", func(s *s) *bool { return &s.Standby }),
	}
}

func addressFields() []field[duoyun.AddressSpec] {
	type s = duoyun.AddressSpec
	return []field[s]{wholeField("count", "个数", func(s *s) *int64 { return &s.Count })}
}

func balancerFields() []field[duoyun.LoadBalancerSpec] {
	type s = duoyun.LoadBalancerSpec
	return []field[s]{
		wholeField("port", "监听端口", func(s *s) *int { return &s.Port }),
		wholeField("member_port", "后端端口", func(s *s) *int { return &s.MemberPort }),
	}
}

func publicFields() []field[duoyun.PublicIPSpec] {
	type s = duoyun.PublicIPSpec
	return []field[s]{wholeField("bandwidth_mbps", "带宽", func(s *s) *int64 { return &s.BandwidthMbps })}
}

// serviceFields are the spec of a service as the API shows it; in documents they stand on the line as item and unit.
func serviceFields() []field[duoyun.ServiceSpec] {
	type s = duoyun.ServiceSpec
	return []field[s]{
		textField("name", "服务项", func(s *s) *string { return &s.Name }),
		textField("unit", "单位", func(s *s) *string { return &s.Unit }),
	}
}

func specNames(k duoyun.Kind) []names {
	switch k {
	case duoyun.KindServer:
		return namesOf(serverFields())
	case duoyun.KindDisk:
		return namesOf(diskFields())
	case duoyun.KindAddress:
		return namesOf(addressFields())
	case duoyun.KindLoadBalancer:
		return namesOf(balancerFields())
	case duoyun.KindPublicIP:
		return namesOf(publicFields())
	case duoyun.KindBucket:
		return namesOf(bucketFields())
	case duoyun.KindDatabase:
		return namesOf(databaseFields())
	case duoyun.KindCache:
		return namesOf(cacheFields())
	}
	return nil
}

// finish reads the spec of a line, now that its kind is known.
func (r *reader) finish(at string, l line) duoyun.Line {
	if l.Kind == "" && l.Action == duoyun.ActionResize {
		l.Kind = duoyun.KindServer
	}
	if l.Kind == duoyun.KindService {
		return r.service(at, l)
	}
	for _, x := range []struct{ key, value string }{{"item", l.item}, {"unit", l.unit}} {
		if x.value != "" {
			r.fault(join(at, x.key), x.value, "只有人工服务（service）写服务项和单位", "only lines of kind service have item and unit")
		}
	}
	if l.spec != nil {
		l.Spec = r.spec(join(at, "spec"), l.Kind, l.spec)
	}
	return l.Line
}

func (r *reader) service(at string, l line) duoyun.Line {
	s := duoyun.ServiceSpec{Name: l.item, Unit: l.unit}
	if l.spec != nil && s != (duoyun.ServiceSpec{}) {
		r.fault(join(at, "spec"), given(l.spec), "人工服务只写服务项 item 和单位 unit，不写规格", "a service has item and unit, no spec")
	} else if l.spec != nil {
		readFields(r, join(at, "spec"), l.spec, serviceFields(), &s)
	}
	l.Spec = s
	return l.Line
}

// spec reads a spec by kind; an unreadable one is the zero spec of its kind, with its place spoiled.
func (r *reader) spec(at string, k duoyun.Kind, n *yaml.Node) duoyun.Spec {
	switch k {
	case duoyun.KindServer:
		return readSpec(r, at, n, serverFields())
	case duoyun.KindDisk:
		return readSpec(r, at, n, diskFields())
	case duoyun.KindAddress:
		return readSpec(r, at, n, addressFields())
	case duoyun.KindLoadBalancer:
		return readSpec(r, at, n, balancerFields())
	case duoyun.KindPublicIP:
		return readSpec(r, at, n, publicFields())
	case duoyun.KindBucket:
		return readSpec(r, at, n, bucketFields())
	case duoyun.KindDatabase:
		return readSpec(r, at, n, databaseFields())
	case duoyun.KindCache:
		return readSpec(r, at, n, cacheFields())
	}
	r.spoiled[at] = true // the kind is at fault, and is told
	return nil
}

func readSpec[S duoyun.Spec](r *reader, at string, n *yaml.Node, table []field[S]) duoyun.Spec {
	var s S
	readFields(r, at, n, table, &s)
	return s
}

func index(at string, i int) string { return fmt.Sprintf("%s[%d]", at, i) }

func (r *reader) tooMany(at string, n, most int) {
	r.fault(at, fmt.Sprint(n), fmt.Sprintf("最多 %d 项", most), fmt.Sprintf("at most %d entries", most))
}
