package duoyun

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Kind is a kind of cloud resource 资源类型. Each has one Spec type, its price items (also its meters), its quota
// dimensions, and the drivers that offer it.
type Kind string

// The kinds that can be ordered or, for KindNetwork, are prepared by the platform.
const (
	KindServer       Kind = "server"        // 云主机
	KindDisk         Kind = "disk"          // 云硬盘
	KindNetwork      Kind = "network"       // 平台网络: one per pool, agency and zone; never ordered
	KindAddress      Kind = "address"       // 地址
	KindLoadBalancer Kind = "load_balancer" // 负载均衡
	KindPublicIP     Kind = "public_ip"     // 公网地址: platform roles only
	KindBucket       Kind = "bucket"        // 对象存储桶
	KindDatabase     Kind = "database"      // 云数据库
	KindCache        Kind = "cache"         // 云缓存
	KindService      Kind = "service"       // 人工服务: fulfilled by people
)

// Kinds lists every kind in the order a document presents them.
func Kinds() []Kind {
	return []Kind{KindServer, KindDisk, KindNetwork, KindAddress, KindLoadBalancer, KindPublicIP, KindBucket, KindDatabase, KindCache, KindService}
}

// Item is the code of a price item 计价项, which is also a meter: vcpu, ram_gib, disk_ssd_gib, service:迁移服务 …
type Item string

// Units are the units an item may be priced in, the one it is metered in first; nil where the contract says, as of
// services. A meter in GiB (2^30 bytes) is not sold in GB (10^9): FOCUS 1.2 tells the two apart.
func (i Item) Units() []string {
	switch {
	case strings.HasPrefix(string(i), "service:"):
		return nil
	case strings.HasSuffix(string(i), "_gib"):
		return []string{"GiB"}
	case strings.HasSuffix(string(i), "_mbps"):
		return []string{"Mbps"}
	case i == "vcpu", strings.HasSuffix(string(i), "_vcpu"):
		return []string{"核", "vCPU"}
	case i == "address", i == "public_ip", i == "load_balancer":
		return []string{"个"}
	}
	return nil
}

// ItemQuantity is how much of a price item one unit of a resource takes.
type ItemQuantity struct {
	Item     Item  `json:"item"`
	Quantity int64 `json:"quantity"`
}

// Dimension is a quota dimension 配额维度.
type Dimension string

// The quota dimensions, in lock order.
const (
	QuotaAddresses Dimension = "addresses"
	QuotaBandwidth Dimension = "bandwidth_mbps"
	QuotaBucketGiB Dimension = "bucket_gib"
	QuotaCaches    Dimension = "caches"
	QuotaDatabases Dimension = "databases"
	QuotaDiskGiB   Dimension = "disk_gib"
	QuotaRAMGiB    Dimension = "ram_gib"
	QuotaServers   Dimension = "servers"
	QuotaVCPU      Dimension = "vcpu"
)

// Dimensions lists the quota dimensions in lock order (alphabetical).
func Dimensions() []Dimension {
	return []Dimension{QuotaAddresses, QuotaBandwidth, QuotaBucketGiB, QuotaCaches, QuotaDatabases, QuotaDiskGiB, QuotaRAMGiB, QuotaServers, QuotaVCPU}
}

// Spec is what one unit of a kind shall be. Implementations are plain values, compared by SameSpec.
type Spec interface {
	Kind() Kind
	// Check adds a fault for every rule the spec breaks; path is the spec's place in the document.
	Check(path string, faults *Faults)
	// Items gives the quantity of each price item one unit takes while it runs.
	Items() []ItemQuantity
	// Quota gives what one unit takes of each quota dimension.
	Quota() map[Dimension]int64
}

// Zones are the network zones of a government extranet 政务外网分区.
const (
	ZoneExtranetPublic  = "extranet_public"  // 公用网络区
	ZoneExtranetPrivate = "extranet_private" // 专用网络区
	ZoneInternetAccess  = "internet_access"  // 互联网接入区
)

// Zones lists the network zones.
func Zones() []string { return []string{ZoneExtranetPublic, ZoneExtranetPrivate, ZoneInternetAccess} }

// ZoneName is what users call a zone, in Chinese.
func ZoneName(zone string) string {
	switch zone {
	case ZoneExtranetPublic:
		return "公用网络区"
	case ZoneExtranetPrivate:
		return "专用网络区"
	case ZoneInternetAccess:
		return "互联网接入区"
	}
	return zone
}

// ServerSpec is a cloud server 云主机 with its security group and port.
type ServerSpec struct {
	VCPU          int64  `json:"vcpu"`
	RAMGiB        int64  `json:"ram_gib"`
	SystemDiskGiB int64  `json:"system_disk_gib"`
	Image         string `json:"image"`           // portable name, such as kylin-v10
	Ports         []int  `json:"ports,omitempty"` // TCP ports its security group opens
	Stopped       bool   `json:"stopped,omitempty"`
}

func (ServerSpec) Kind() Kind { return KindServer }

// Check bounds a server: 1–256 vCPU, 1–4096 GiB of memory, a system disk of 20–2048 GiB.
func (s ServerSpec) Check(path string, f *Faults) {
	between(f, path+".vcpu", s.VCPU, 1, 256)
	between(f, path+".ram_gib", s.RAMGiB, 1, 4096)
	between(f, path+".system_disk_gib", s.SystemDiskGiB, 20, 2048)
	portableName(f, path+".image", s.Image)
	if len(s.Ports) > 32 {
		f.Add(path+".ports", fmt.Sprint(len(s.Ports)), "最多 32 个端口", "at most 32 ports")
	}
	for i, p := range s.Ports {
		between(f, fmt.Sprintf("%s.ports[%d]", path, i), int64(p), 1, 65535)
	}
}

func (s ServerSpec) Items() []ItemQuantity {
	return []ItemQuantity{{"vcpu", s.VCPU}, {"ram_gib", s.RAMGiB}, {"system_disk_gib", s.SystemDiskGiB}}
}

func (s ServerSpec) Quota() map[Dimension]int64 {
	return map[Dimension]int64{QuotaServers: 1, QuotaVCPU: s.VCPU, QuotaRAMGiB: s.RAMGiB, QuotaDiskGiB: s.SystemDiskGiB}
}

// DiskSpec is a block volume 云硬盘; what it is attached to is a reference of the line, not part of the spec.
type DiskSpec struct {
	SizeGiB int64  `json:"size_gib"`
	Class   string `json:"class"` // ssd, standard …: priced as disk_<class>_gib
}

func (DiskSpec) Kind() Kind { return KindDisk }

// Check bounds a disk: 1–32768 GiB.
func (s DiskSpec) Check(path string, f *Faults) {
	between(f, path+".size_gib", s.SizeGiB, 1, 32768)
	portableName(f, path+".class", s.Class)
}

func (s DiskSpec) Items() []ItemQuantity {
	return []ItemQuantity{{Item("disk_" + s.Class + "_gib"), s.SizeGiB}}
}

func (s DiskSpec) Quota() map[Dimension]int64 { return map[Dimension]int64{QuotaDiskGiB: s.SizeGiB} }

// NetworkSpec is the platform's network for one agency in one zone of a pool; the CIDR comes from the pool's plan.
type NetworkSpec struct {
	CIDR string `json:"cidr"`
}

func (NetworkSpec) Kind() Kind                 { return KindNetwork }
func (NetworkSpec) Check(string, *Faults)      {}
func (NetworkSpec) Items() []ItemQuantity      { return nil }
func (NetworkSpec) Quota() map[Dimension]int64 { return nil }

// AddressSpec asks for addresses of a zone, allocated from the pool's plan. Count multiplies the line's quantity: each
// unit is one address.
type AddressSpec struct {
	Count int64 `json:"count,omitempty"`
}

func (AddressSpec) Kind() Kind { return KindAddress }

// Check bounds the count: 0 (meaning 1) to 64.
func (s AddressSpec) Check(path string, f *Faults) { between(f, path+".count", s.Count, 0, 64) }
func (s AddressSpec) Items() []ItemQuantity        { return []ItemQuantity{{"address", 1}} }
func (s AddressSpec) Quota() map[Dimension]int64   { return map[Dimension]int64{QuotaAddresses: 1} }

// LoadBalancerSpec is a TCP load balancer with one listener over its members.
type LoadBalancerSpec struct {
	Port       int `json:"port"`                  // listener
	MemberPort int `json:"member_port,omitempty"` // default: Port
}

func (LoadBalancerSpec) Kind() Kind { return KindLoadBalancer }

// Check bounds the ports.
func (s LoadBalancerSpec) Check(path string, f *Faults) {
	between(f, path+".port", int64(s.Port), 1, 65535)
	between(f, path+".member_port", int64(s.MemberPort), 0, 65535)
}

func (s LoadBalancerSpec) Items() []ItemQuantity      { return []ItemQuantity{{"load_balancer", 1}} }
func (s LoadBalancerSpec) Quota() map[Dimension]int64 { return map[Dimension]int64{QuotaAddresses: 1} }

// PublicIPSpec is an internet address with its bandwidth.
type PublicIPSpec struct {
	BandwidthMbps int64 `json:"bandwidth_mbps"`
}

func (PublicIPSpec) Kind() Kind { return KindPublicIP }

// Check bounds the bandwidth: 1–10000 Mbps.
func (s PublicIPSpec) Check(path string, f *Faults) {
	between(f, path+".bandwidth_mbps", s.BandwidthMbps, 1, 10000)
}

func (s PublicIPSpec) Items() []ItemQuantity {
	return []ItemQuantity{{"public_ip", 1}, {"bandwidth_mbps", s.BandwidthMbps}}
}

func (s PublicIPSpec) Quota() map[Dimension]int64 {
	return map[Dimension]int64{QuotaAddresses: 1, QuotaBandwidth: s.BandwidthMbps}
}

// BucketSpec is an object storage bucket with the size it is priced and limited by.
type BucketSpec struct {
	SizeGiB int64  `json:"size_gib"`
	Class   string `json:"class"`
}

func (BucketSpec) Kind() Kind { return KindBucket }

// Check bounds a bucket: 1–1048576 GiB.
func (s BucketSpec) Check(path string, f *Faults) {
	between(f, path+".size_gib", s.SizeGiB, 1, 1<<20)
	portableName(f, path+".class", s.Class)
}

func (s BucketSpec) Items() []ItemQuantity {
	return []ItemQuantity{{Item("bucket_" + s.Class + "_gib"), s.SizeGiB}}
}

func (s BucketSpec) Quota() map[Dimension]int64 {
	return map[Dimension]int64{QuotaBucketGiB: s.SizeGiB}
}

// ServiceSpec is work done by people, bought by work order; the line's item and unit name it. However much of it is
// ordered is one resource: the quantity stands on a document's line, and Units puts it into the unit's spec.
type ServiceSpec struct {
	Name     string `json:"name"`               // 迁移服务
	Unit     string `json:"unit"`               // 人天
	Quantity int64  `json:"quantity,omitempty"` // in Unit; 0: 1
}

func (ServiceSpec) Kind() Kind { return KindService }

// Check asks for name and unit, and leaves the quantity to the line.
func (s ServiceSpec) Check(path string, f *Faults) {
	if s.Name == "" {
		f.Add(path+".item", s.Name, "服务须写明名称，不超过 40 字", "a service needs its item, at most 40 characters")
	}
	if s.Unit == "" {
		f.Add(path+".unit", s.Unit, "服务须写明单位，如 人天", "a service needs its unit, such as 人天")
	}
	oneLine(f, path+".item", s.Name, 40)
	oneLine(f, path+".unit", s.Unit, 10)
	refuse(f, path+".quantity", fmt.Sprint(s.Quantity), s.Quantity == 0, "服务的数量写在行上，不写在规格里", "a service's quantity stands on the line, not in its spec")
}

// Amount is how much of the service it is, in Unit.
func (s ServiceSpec) Amount() int64 { return max(s.Quantity, 1) }

func (s ServiceSpec) Items() []ItemQuantity {
	return []ItemQuantity{{Item("service:" + s.Name), s.Amount()}}
}

func (s ServiceSpec) Quota() map[Dimension]int64 { return nil }

func between(f *Faults, path string, n, low, high int64) {
	if n < low || n > high {
		f.Add(path, fmt.Sprint(n), fmt.Sprintf("应在 %d 与 %d 之间", low, high), fmt.Sprintf("must be between %d and %d", low, high))
	}
}

func portableName(f *Faults, path, s string) {
	if s == "" || len(s) > 60 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		f.Add(path, s, "应为小写字母、数字、点、横线组成的名称", "must be a name of lower-case letters, digits, dots and dashes")
	}
}

// DecodeSpec reads the JSON of a spec; unknown fields are errors.
func DecodeSpec(kind Kind, raw []byte) (Spec, error) {
	switch kind {
	case KindServer:
		return decodeInto[ServerSpec](raw)
	case KindDisk:
		return decodeInto[DiskSpec](raw)
	case KindNetwork:
		return decodeInto[NetworkSpec](raw)
	case KindAddress:
		return decodeInto[AddressSpec](raw)
	case KindLoadBalancer:
		return decodeInto[LoadBalancerSpec](raw)
	case KindPublicIP:
		return decodeInto[PublicIPSpec](raw)
	case KindBucket:
		return decodeInto[BucketSpec](raw)
	case KindDatabase:
		return decodeInto[DatabaseSpec](raw)
	case KindCache:
		return decodeInto[CacheSpec](raw)
	case KindService:
		return decodeInto[ServiceSpec](raw)
	}
	return nil, Fail(CodeInvalid, "kind", "未知的资源类型 %q", "unknown kind %q", string(kind))
}

func decodeInto[S Spec](raw []byte) (Spec, error) {
	var s S
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, Fail(CodeInvalid, "spec", "规格无法读取", "the spec cannot be read").Because(err)
	}
	return s, nil
}

// EncodeSpec writes the JSON of a spec; nil is null.
func EncodeSpec(s Spec) []byte {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err) // specs are plain values
	}
	return raw
}

// SameSpec reports whether two specs say the same.
func SameSpec(a, b Spec) bool { return bytes.Equal(EncodeSpec(a), EncodeSpec(b)) }
