package duoyun

import (
	"fmt"
	"slices"
)

// Database engines.
const (
	EngineMySQL      = "mysql"
	EnginePostgreSQL = "postgresql"
)

// DatabaseSpec is a managed relational database 云数据库: one instance with an administrator's login, which is the
// order's one-time login, on the agency's platform network.
type DatabaseSpec struct {
	Engine     string `json:"engine"`  // mysql | postgresql
	Version    string `json:"version"` // major version as the engine names it: 8.0, 15 …
	VCPU       int64  `json:"vcpu"`
	RAMGiB     int64  `json:"ram_gib"`
	StorageGiB int64  `json:"storage_gib"`
	Standby    bool   `json:"standby,omitempty"` // 主备: a second node that takes over; both are priced
}

func (DatabaseSpec) Kind() Kind { return KindDatabase }

// Check bounds a database: 1–128 vCPU, 1–1024 GiB of memory, 20–32768 GiB of storage. Which versions and sizes a pool
// sells its vendor says.
func (s DatabaseSpec) Check(path string, f *Faults) {
	if !slices.Contains([]string{EngineMySQL, EnginePostgreSQL}, s.Engine) {
		f.Add(path+".engine", s.Engine, "应为 mysql 或 postgresql", "must be mysql or postgresql")
	}
	portableName(f, path+".version", s.Version)
	between(f, path+".vcpu", s.VCPU, 1, 128)
	between(f, path+".ram_gib", s.RAMGiB, 1, 1024)
	between(f, path+".storage_gib", s.StorageGiB, 20, 32768)
}

// Nodes is how many instances it runs on.
func (s DatabaseSpec) Nodes() int64 { return nodes(s.Standby) }

func (s DatabaseSpec) Items() []ItemQuantity {
	n := s.Nodes()
	return []ItemQuantity{{Item(fmt.Sprintf("%s_vcpu", s.Engine)), n * s.VCPU}, {Item(fmt.Sprintf("%s_ram_gib", s.Engine)), n * s.RAMGiB},
		{"database_storage_gib", n * s.StorageGiB}}
}

func (s DatabaseSpec) Quota() map[Dimension]int64 {
	n := s.Nodes()
	return map[Dimension]int64{QuotaDatabases: 1, QuotaVCPU: n * s.VCPU, QuotaRAMGiB: n * s.RAMGiB, QuotaDiskGiB: n * s.StorageGiB}
}

// CacheSpec is a managed Redis 云缓存 on the agency's platform network; its password is the order's one-time login.
type CacheSpec struct {
	Version   string `json:"version"` // 5.0, 6.0, 7.0 …
	MemoryGiB int64  `json:"memory_gib"`
	Standby   bool   `json:"standby,omitempty"` // 主备: a replica that takes over; both are priced
}

func (CacheSpec) Kind() Kind { return KindCache }

// Check bounds a cache: 1–1024 GiB.
func (s CacheSpec) Check(path string, f *Faults) {
	portableName(f, path+".version", s.Version)
	between(f, path+".memory_gib", s.MemoryGiB, 1, 1024)
}

// Nodes is how many instances it runs on.
func (s CacheSpec) Nodes() int64 { return nodes(s.Standby) }

func (s CacheSpec) Items() []ItemQuantity {
	return []ItemQuantity{{"cache_gib", s.Nodes() * s.MemoryGiB}}
}

func (s CacheSpec) Quota() map[Dimension]int64 {
	return map[Dimension]int64{QuotaCaches: 1, QuotaRAMGiB: s.Nodes() * s.MemoryGiB}
}

func nodes(standby bool) int64 {
	if standby {
		return 2
	}
	return 1
}
