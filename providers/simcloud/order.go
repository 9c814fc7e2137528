package simcloud

// Order is a vendor's own record of a purchase, renewal, change or release, where that is how the vendor sells: it is
// Building while the vendor is at it, for as long as KindOrder takes, then Active, or Failed where that is its fate. What
// it orders is made by the calls of its kind, at once: the ledger keeps what belongs to which order.
type Order struct {
	Object
	Type        string   `json:"type"` // in the vendor's words
	ResourceIDs []string `json:"resource_ids"`
}

func (*Order) in(c *Cloud) *table[Order] { return c.orders }

func (r *Order) index() []string {
	out := make([]string, len(r.ResourceIDs))
	for i, id := range r.ResourceIDs {
		out[i] = Ordered(id)
	}
	return out
}

// Ordered is the index key of the orders about a resource.
func Ordered(id string) string { return "ordered:" + id }

// PlaceOrder puts an order of an account into the ledger.
func (c *Cloud) PlaceOrder(r Order) (*Order, error) {
	return within(c, func() (*Order, error) {
		if r.Type == "" || len(r.ResourceIDs) == 0 {
			return nil, invalid(KindOrder, "an order has a type and names what it is about")
		}
		r.State, r.Next = Building, ""
		return put(c, &r), nil
	})
}
