package simcloud

import "time"

// Fate is what becomes of an object that was accepted and takes time to come to be: servers, volumes, load balancers. The
// zero value is the usual one.
type Fate struct {
	Late  time.Duration // it takes so much longer
	Fault string        // it ends in error, for this reason
	Never bool          // it is gone without a trace when it is due
}

// SetFates asks f, under the cloud's lock, for the fate of whatever is accepted from now on; nil ends it.
func (c *Cloud) SetFates(f func(Kind) Fate) { c.locked(func() { c.fates = f }) }

// destine gives a new object that is Building its fate. One that shall fail anyway does.
func (c *Cloud) destine(kind Kind, o *Object) {
	if c.fates == nil || o.Next != Active {
		return
	}
	f := c.fates(kind)
	o.Due = o.Due.Add(f.Late)
	switch {
	case f.Never:
		o.Next = Gone
	case f.Fault != "":
		o.Next, o.Fault = Failed, f.Fault
	}
}
