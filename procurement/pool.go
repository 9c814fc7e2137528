package procurement

import (
	"context"
	"encoding/json"

	"github.com/duoyun/duoyun"
)

// PoolInput describes a pool 资源池.
type PoolInput struct {
	Code      string
	Name      string
	Supplier  string // id or code
	Driver    string // openstack, workorder
	Site      string
	Region    string
	Zones     []string
	Kinds     []duoyun.Kind
	Level     duoyun.Protection
	Xinchuang duoyun.Xinchuang
	Capacity  map[duoyun.Dimension]int64 // declared; a dimension that is missing is not limited
	Plan      duoyun.AddressPlan
	Simulated bool
	Account   json.RawMessage // driver.Account without its secret; "" is {}
	Secret    string          // write-only: sealed at rest, never returned
}

// PoolUpdate changes a pool; nil fields stay as they are. What a running resource rests on (supplier, driver, site,
// region) does not change.
type PoolUpdate struct {
	Name      *string
	Zones     []string
	Kinds     []duoyun.Kind
	Level     *duoyun.Protection
	Xinchuang *duoyun.Xinchuang
	Capacity  map[duoyun.Dimension]int64 // not nil: replaces what was declared
	Plan      *duoyun.AddressPlan        // only before the first network has been cut from it
	Account   json.RawMessage
	Secret    *string
	Active    *bool // an inactive pool takes no new orders
}

// PoolFilter narrows a listing of pools; zero fields do not.
type PoolFilter struct {
	Supplier string // id or code
	Site     string
}

// CreatePool opens a pool (procurement).
func (s *Service) CreatePool(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in PoolInput) (duoyun.Pool, error) {
	panic("soon")
}

// UpdatePool changes a pool (procurement).
func (s *Service) UpdatePool(ctx context.Context, actor duoyun.Actor, key string, in PoolUpdate) (duoyun.Pool, error) {
	panic("soon")
}

// Pools lists pools; a supplier sees its own. Account is shown to procurement, the system administrator and the supplier.
func (s *Service) Pools(ctx context.Context, actor duoyun.Actor, f PoolFilter, p duoyun.Page) (duoyun.Listing[duoyun.Pool], error) {
	panic("soon")
}

// Pool reads one pool by id or code.
func (s *Service) Pool(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Pool, error) {
	panic("soon")
}
