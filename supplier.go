package duoyun

import (
	"encoding/json"
	"time"
)

// Supplier 云服务商 is a contract party: telecom, IT, internet or integrator. It may sell several pools.
type Supplier struct {
	ID              string
	Code            string // telecom-suqian
	Name            string
	Class           string // telecom | it | internet | integrator
	AssessmentUntil Date   // 云计算服务安全评估 valid through this day; expired: no new orders
}

// Pool 资源池 is a driver account at a site and zone, with its own 等保 level, 信创 families and capacity.
type Pool struct {
	ID         string
	Code       string // jd-suqian-1
	Name       string
	SupplierID string
	Driver     string // openstack, workorder
	Site       string // suqian
	Region     string
	Zones      []string
	Kinds      []Kind
	Level      Protection // the pool's own 等保 level
	Xinchuang  Xinchuang
	Capacity   map[Dimension]int64 // declared; a dimension that is missing is not limited
	Used       map[Dimension]int64 // what our own live and held units take
	Plan       AddressPlan
	Simulated  bool            // 模拟环境: shown wherever the pool is
	Account    json.RawMessage // driver.Account without its secret
	Sealed     []byte          // the secret, sealed at rest, never returned
	Active     bool
	Version    int64
}

// AddressPlan is the range the pool's platform networks are cut from.
type AddressPlan struct {
	CIDR   string `json:"cidr"`   // 10.32.0.0/12
	Prefix int    `json:"prefix"` // size of one network, such as 24
}

// Contract 合同 is what a supplier sells under: price items with validity, ceiling, term, proration rule, SLA clause.
type Contract struct {
	ID         string
	Number     string
	SupplierID string
	Name       string
	Start      Date // first day
	End        Date // first day after the term
	Ceiling    Fen  // contract ceiling 合同总价; Σ holds and commitments stay below it
	Used       Fen  // held + committed
	Rules      ContractRules
	SLA        SLAClause
	Allocation string // how the framework allots: score (default) | department | shares
	Share      int64  // per cent of the framework's volume this supplier is to have; 0: none stated
	State      string // active | suspended | terminated
}

// Proration is how a part of a month is charged, a clause of the contract.
type Proration string

// The proration rules (practice.md, 15).
const (
	ProrateSecond     Proration = "second"
	ProrateByDay      Proration = "by_day_actual"
	ProrateByDay30    Proration = "by_day_30"
	ProrateHalfMonth  Proration = "half_month"
	ProrateNextMonth  Proration = "next_month"
	ProrateWholeMonth Proration = "whole_month"
)

// ContractRules are the money clauses of a contract, each with a stated value.
type ContractRules struct {
	Proration       Proration `json:"proration"`
	BillingStart    string    `json:"billing_start"`              // confirmation (default) | delivery | next_day | next_month
	CountStopDay    bool      `json:"count_stop_day,omitempty"`   // the day of release is charged
	ChargeStopped   bool      `json:"charge_stopped,omitempty"`   // a stopped server is charged in full
	ResizeEffective string    `json:"resize_effective,omitempty"` // at_once (default: the whole day, half or month of the resize) | next_day | next_half (1st or 16th) | next_month
	FullMonth       string    `json:"full_month,omitempty"`       // by_day_30: a full month of any length is whole (default: one month) | days (31/30, 28/30)
	TaxPercent      Price     `json:"tax_percent"`                // such as 6
	TaxExclusive    bool      `json:"tax_exclusive,omitempty"`    // prices are net; default: tax-inclusive
	SilenceDays     int       `json:"silence_days,omitempty"`     // working days after which silence confirms delivery; 0: 5
}

// PriceItem 计价项 is the price of one item under a contract, valid for a time.
type PriceItem struct {
	ID         string
	ContractID string
	Item       Item
	Name       string    // vCPU, 内存 …
	Per        string    // month | hour | once
	Unit       string    // 核, GiB, 人天 …: one of Item.Units
	Price      Price     // yuan per unit and period
	ListPrice  Price     // the vendor's list price, for FOCUS ListCost; zero: the same as Price
	Ceiling    Price     // 最高限价; zero: none
	From       time.Time // valid from, UTC
	Until      time.Time // first instant it no longer holds; zero: open
}

// ValidAt reports whether the item's price holds at t.
func (p PriceItem) ValidAt(t time.Time) bool {
	return !t.Before(p.From) && (p.Until.IsZero() || t.Before(p.Until))
}

// Offer 报价 is what can be bought from whom: one pool under one contract in force, with its prices.
type Offer struct {
	Pool     Pool
	Supplier Supplier
	Contract Contract
	Items    []PriceItem // every validity, of this contract
}

// PriceAt returns the price of an item at t.
func (o Offer) PriceAt(item Item, t time.Time) (PriceItem, bool) {
	for _, p := range o.Items {
		if p.Item == item && p.ValidAt(t) {
			return p, true
		}
	}
	return PriceItem{}, false
}
