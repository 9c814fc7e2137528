package simcloud

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"
)

// Kind is a kind of object.
type Kind string

// The kinds of objects.
const (
	KindFlavor     Kind = "flavor"
	KindImage      Kind = "image"
	KindVolumeType Kind = "volume_type"
	KindKeyPair    Kind = "key_pair"
	KindNetwork    Kind = "network"
	KindSubnet     Kind = "subnet"
	KindGroup      Kind = "security_group"
	KindRule       Kind = "security_group_rule"
	KindPort       Kind = "port"
	KindRouter     Kind = "router"
	KindFloatingIP Kind = "floating_ip"
	KindServer     Kind = "server"
	KindRun        Kind = "run"  // the life of something that is bought
	KindSale       Kind = "sale" // a term of a subscription
	KindOrder      Kind = "order"
	KindVolume     Kind = "volume"
	KindBalancer   Kind = "load_balancer"
	KindListener   Kind = "listener"
	KindPool       Kind = "pool"
	KindMember     Kind = "member"
	KindMonitor    Kind = "health_monitor"
	KindBucket     Kind = "bucket"
	KindBlob       Kind = "object"
	KindDatabase   Kind = "database"
	KindCache      Kind = "cache"
)

// State is what an object is at; not every kind knows every state.
type State string

// The states. Those that end in -ing pass by themselves.
const (
	Building   State = "building"
	Active     State = "active"
	Stopping   State = "stopping"
	Stopped    State = "stopped"
	Starting   State = "starting"
	Restarting State = "restarting"
	Resizing   State = "resizing"
	Resized    State = "resized" // waits for Confirm or Revert
	Confirming State = "confirming"
	Reverting  State = "reverting"
	Attaching  State = "attaching"
	Detaching  State = "detaching"
	Extending  State = "extending"
	Updating   State = "updating"
	Deleting   State = "deleting"
	Failed     State = "failed"
	Gone       State = "gone" // never stored: the object is removed
)

// Owner is an account of the vendor in one region. The zero tenant is the vendor itself.
type Owner struct {
	Region string `json:"region"`
	Tenant string `json:"tenant"`
}

// Object is what everything in the cloud has.
type Object struct {
	ID          string `json:"id"`
	Owner       `json:"owner"`
	Shared      bool              `json:"shared,omitempty"` // every account of the region sees it; region "": every region
	Zone        string            `json:"zone,omitempty"`
	Name        string            `json:"name,omitempty"`
	Description string            `json:"description,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Meta        map[string]string `json:"meta,omitempty"`
	State       State             `json:"state"`
	Fault       string            `json:"fault,omitempty"` // why it is Failed
	Created     time.Time         `json:"created"`
	Updated     time.Time         `json:"updated"`
	Next        State             `json:"next,omitempty"` // the state it takes at Due
	Due         time.Time         `json:"due,omitzero"`
}

// noun is what the tables need of an object. Object gives every method; a kind overrides those it has more to say to.
type noun interface {
	Self() *Object
	index() []string        // keys it is found by, beside those of Object
	takes() []Take          // what it uses of its account's quota
	occupies() []Take       // what it uses of its zone's capacity
	uses() []Use            // what it is charged for while it is there; nothing: it is not bought
	bought() *Purchase      // how it was bought; nil: it is not bought
	begin(State, time.Time) // called on the copy that enters a passing state
	arrive(*Cloud, State)   // called when it has left a passing state, given that state
	leave(*Cloud)           // called when it has been removed
}

// Noun constrains the generic functions of this package to its kinds.
type Noun[T any] interface {
	*T
	noun
	in(*Cloud) *table[T]
}

// Self is the object itself, for code that handles every kind alike.
func (o *Object) Self() *Object          { return o }
func (o *Object) index() []string        { return nil }
func (o *Object) takes() []Take          { return nil }
func (o *Object) occupies() []Take       { return nil }
func (o *Object) uses() []Use            { return nil }
func (o *Object) bought() *Purchase      { return nil }
func (o *Object) begin(State, time.Time) {}
func (o *Object) arrive(*Cloud, State)   {}
func (o *Object) leave(*Cloud)           {}
func (o *Object) visible(by Owner) bool {
	return o.Owner == by || o.Shared && (o.Region == "" || o.Region == by.Region)
}

// Busy reports whether the object is in a state that passes by itself.
func (o *Object) Busy() bool { return o.Next != "" }

// move puts the object into a passing state that ends in another after d.
func (o *Object) move(via, to State, now time.Time, d time.Duration) {
	o.State, o.Next, o.Due, o.Updated = via, to, now.Add(d), now
}

// keys are the keys an object is found by: its account, tags, name, description, metadata, and its kind's own.
func keys(n noun) []string {
	o := n.Self()
	out := []string{ownerKey(o.Owner)}
	if o.Shared {
		out[0] = sharedKey
	}
	if o.Name != "" {
		out = append(out, Named(o.Name))
	}
	if o.Description != "" {
		out = append(out, Described(o.Description))
	}
	for _, t := range o.Tags {
		out = append(out, Tagged(t))
	}
	for k, v := range o.Meta {
		out = append(out, Marked(k, v))
	}
	return append(out, n.index()...)
}

const sharedKey = "shared"

func ownerKey(o Owner) string { return "owner:" + o.Region + "/" + o.Tenant }

// Named is the index key of a name.
func Named(name string) string { return "name:" + name }

// Described is the index key of a description.
func Described(text string) string { return "text:" + text }

// Tagged is the index key of a tag.
func Tagged(tag string) string { return "tag:" + tag }

// Marked is the index key of a metadata entry.
func Marked(key, value string) string { return "meta:" + key + "=" + value }

// Of is the index key of what belongs to an object of a kind: subnets, ports and groups of a network, ports of a server (as
// KindServer) or a router, rules of a group, listeners, pools and members of a balancer, members of a pool, the floating IP
// bound to something.
func Of(kind Kind, id string) string { return "of:" + string(kind) + ":" + id }

// newID is a random UUID, version 4.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return formatID(b)
}

// fixedID is a UUID that depends on its name alone.
func fixedID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return formatID([16]byte(sum[:16]))
}

func formatID(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
