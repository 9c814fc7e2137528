package duoyun

import "time"

// UsageInterval 用量区间 is one meter of one resource running at one quantity: half-open, UTC, on the business clock.
type UsageInterval struct {
	ID         string
	ResourceID string
	ContractID string // under which it is charged
	Meter      Item
	Quantity   int64 // base units of the item, such as GiB
	Start      time.Time
	End        time.Time // zero while open
	Stopped    bool      // the server was stopped: the contract says whether it is charged
}

// Metric is one measured series of a resource.
type Metric struct {
	Name   string // cpu, memory, disk_read …
	Unit   string
	Points []Point
}

// Point is one measurement.
type Point struct {
	At    time.Time
	Value float64 // a measurement, never money
}

// VendorUsage is the vendor's record of one resource's running time.
type VendorUsage struct {
	VendorID string
	Name     string
	Start    time.Time
	End      time.Time // zero while it runs
	VCPU     int64
	RAMGiB   int64
	DiskGiB  int64
}
