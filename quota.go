package duoyun

// Quota 配额 is one limit of one agency in one dimension; it covers the agency's whole subtree.
type Quota struct {
	ID        string
	AgencyID  string
	Dimension Dimension
	Limit     *int64 // nil: unlimited, still counted
	Used      int64
}

// Budget 预算指标 is the money of one payer for one year and budget item.
type Budget struct {
	ID     string
	Payer  string // agency id
	Year   int
	Item   string
	Limit  *Fen // nil: not issued yet, counted as intent 跨年意向
	Used   Fen  // held + committed
	Issued bool
}

// Text names a dimension for people, with its unit.
func (d Dimension) Text() Text {
	switch d {
	case QuotaAddresses:
		return Text{ZH: "地址（个）", EN: "addresses"}
	case QuotaBandwidth:
		return Text{ZH: "带宽（Mbps）", EN: "bandwidth (Mbps)"}
	case QuotaBucketGiB:
		return Text{ZH: "对象存储（GiB）", EN: "object storage (GiB)"}
	case QuotaCaches:
		return Text{ZH: "云缓存（个）", EN: "caches"}
	case QuotaDatabases:
		return Text{ZH: "云数据库（个）", EN: "databases"}
	case QuotaDiskGiB:
		return Text{ZH: "云硬盘（GiB）", EN: "disk (GiB)"}
	case QuotaRAMGiB:
		return Text{ZH: "内存（GiB）", EN: "memory (GiB)"}
	case QuotaServers:
		return Text{ZH: "云主机（台）", EN: "servers"}
	case QuotaVCPU:
		return Text{ZH: "vCPU（核）", EN: "vCPU"}
	}
	return Text{ZH: string(d), EN: string(d)}
}

// HoldKind is what a hold charges.
type HoldKind string

// The kinds of holds, in lock order.
const (
	HoldContract HoldKind = "contract"
	HoldPool     HoldKind = "pool" // declared capacity of a pool
	HoldBudget   HoldKind = "budget"
	HoldQuota    HoldKind = "quota"
)

// HoldState is the state of a hold.
type HoldState string

// The states of a hold: held until the department confirms, then committed; released on failure or release, but for
// the money that use has cost by then, which stays charged.
const (
	HoldHeld      HoldState = "held"
	HoldCommitted HoldState = "committed"
	HoldAccrued   HoldState = "accrued" // 已发生: of money alone, after the release
	HoldReleased  HoldState = "released"
)

// Hold 冻结 is what one unit charges to one row. It names the row, so that a later release frees the same row though
// the tree has changed.
type Hold struct {
	ID         string
	OrderID    string
	ResourceID string
	Kind       HoldKind
	RowID      string // contract, pool_capacity, budget or quota row
	Amount     int64  // fen, or units of the dimension
	State      HoldState
}
