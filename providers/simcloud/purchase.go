package simcloud

import (
	"time"

	"github.com/duoyun/duoyun"
)

// Purchase is how an object is bought: on demand 按量 where Months is 0, otherwise as a subscription 包年包月 for so many
// months. What makes an object reads Months alone. The end of a term changes nothing here: a vendor that stops what was
// not renewed does so in its fake.
type Purchase struct {
	Months    int       `json:"months,omitempty"`    // of the term that was bought last
	PaidUntil time.Time `json:"paid_until,omitzero"` // zero: on demand
}

// Sale is a term that was bought, a subscription's first or a renewal, at the prices of that moment.
type Sale struct {
	Object
	Of         Kind      `json:"of"`
	ResourceID string    `json:"resource_id"`
	Months     int       `json:"months"`
	From       time.Time `json:"from"`
	Until      time.Time `json:"until"`
	Sold       []Sold    `json:"sold"`
}

// Sold is one meter of a sale with its price for a unit and month.
type Sold struct {
	Use
	Price duoyun.Price `json:"price"`
}

func (*Sale) in(c *Cloud) *table[Sale] { return c.sales }

func (s *Sale) index() []string { return []string{Of(s.Of, s.ResourceID)} }

// Renew extends the subscription of an object that has one by so many months from its end.
func Renew[T any, P Noun[T]](c *Cloud, o Owner, id string, months int) (*T, error) {
	return within(c, func() (*T, error) {
		old, err := own[T, P](c, o, id)
		if err != nil {
			return nil, err
		}
		kind, bought := P(nil).in(c).kind, P(old).bought()
		switch {
		case bought == nil || bought.PaidUntil.IsZero():
			return nil, invalid(kind, "%s is not a subscription", id)
		case months < 1:
			return nil, invalid(kind, "a renewal is for 1 month at least")
		case P(old).Self().State == Deleting:
			return nil, busy(kind, P(old).Self())
		}
		until := c.sell(kind, P(old), bought.PaidUntil, months)
		return edit[T, P](c, id, func(x *T) {
			p := P(x).bought()
			p.Months, p.PaidUntil, P(x).Self().Updated = months, until, c.time()
		}), nil
	})
}

// subscribe begins the term of a new object that is bought for one.
func (c *Cloud) subscribe(kind Kind, n noun) {
	switch p := n.bought(); {
	case p == nil:
	case p.Months > 0:
		p.PaidUntil = c.sell(kind, n, c.time(), p.Months)
	default:
		*p = Purchase{}
	}
}

// sell writes down the sale of a term and returns its end.
func (c *Cloud) sell(kind Kind, n noun, from time.Time, months int) time.Time {
	o := n.Self()
	s := &Sale{Object: Object{Owner: o.Owner, Name: o.Name}, Of: kind, ResourceID: o.ID, Months: months, From: from, Until: addMonths(from, months)}
	for _, u := range n.uses() {
		s.Sold = append(s.Sold, Sold{u, c.rate(u).Month})
	}
	put(c, s)
	return s.Until
}

// addMonths is the same moment n months later, in the calendar of the vendors; the 31st becomes the last of a shorter month.
func addMonths(t time.Time, n int) time.Time {
	day := duoyun.DateOf(t)
	return day.AddMonths(n).Time().Add(t.Sub(day.Time())).UTC()
}
