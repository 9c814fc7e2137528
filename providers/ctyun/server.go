package ctyun

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// classSystem is the name under which an account maps the type of system disks; SATA is what every pool sells.
const (
	classSystem       = "system"
	defaultSystemDisk = "SATA"
)

// What the vendor bounds: system disks from below, people's names of servers from above.
const (
	smallestSystemDisk = 40
	longestName        = 63
)

// serverKind: a security group, its rules, a server with one card on the platform network's subnet. A server changes its
// size only while it is off. A subscription that was unsubscribed stays in the recycle bin until it is destroyed.
type serverKind struct{ *Cloud }

// server is a server as the vendor shows it.
type server struct {
	ID      string `json:"instanceID"`
	Name    string `json:"instanceName"`
	Title   string `json:"displayName"`
	Status  string `json:"instanceStatus"`
	Zone    string `json:"azName"`
	Expires text   `json:"expiredTime"`
	Created text   `json:"createdTime"`
	Image   struct {
		ID   string `json:"imageID"`
		Name string `json:"imageName"`
	} `json:"image"`
	Flavor struct {
		ID   string `json:"flavorID"`
		Name string `json:"flavorName"`
		CPU  int64  `json:"flavorCPU"`
		RAM  int64  `json:"flavorRAM"`
	} `json:"flavor"`
	OnDemand bool   `json:"onDemand"`
	Network  string `json:"vpcID"`
	Groups   []struct {
		Name string `json:"securityGroupName"`
		ID   string `json:"securityGroupID"`
	} `json:"secGroupList"`
	Cards []struct {
		Address string `json:"IPv4Address"`
	} `json:"networkCardList"`
}

func (s serverKind) kind() *table.Kind {
	all := s.servers()
	return &table.Kind{
		Plans: table.Plans{Create: planServer, Update: table.ResizedOff, Renew: planRenew, Delete: table.Fixed(
			driver.Step{Name: "stop-server", Await: true}, driver.Step{Name: "delete-server", Main: true, Await: true},
			driver.Step{Name: "destroy-server", Await: true}, driver.Step{Name: "delete-security_group"})},
		Verbs: s.guarded(map[string]table.Verb{
			"server":         {Run: s.create, Look: all.lookBought, Token: true},
			"start":          {Run: s.power("start", false), Look: all.effect(driver.Absent, powered(false))},
			"stop":           {Run: s.power("stop", false), Look: all.effect(driver.Absent, powered(true))},
			"resize":         {Run: s.resize, Look: s.lookResize},
			"renew":          {Run: s.renew, Look: all.effect(driver.Absent, func(c driver.Call, v server) (driver.EvidenceState, string) { return renewed(c, s.observed(v)) })},
			"stop-server":    {Run: s.power("stop", true), Look: all.effect(driver.Done, stoppedForGood)},
			"delete-server":  {Run: all.remove("", s.unsubscribe), Look: all.effect(driver.Done, released)},
			"destroy-server": {Run: s.destroy, Look: all.table().LookMainUnmade},
		}, s.vouch),
		Reading: s.observe,
		Listing: all.observations(func(v server) (driver.Observation, bool) { return s.observed(v), true }),
		Parts:   map[string]table.Shelf{"security_group": s.groups().table()},
	}
}

// planServer: a server is born running, so that one ordered off is stopped in a step of its own.
func planServer(c driver.Change) ([]driver.Step, error) {
	if _, err := table.PlatformNetwork(c); err != nil {
		return nil, err
	}
	if err := terms(c); err != nil {
		return nil, err
	}
	spec := c.After.(duoyun.ServerSpec)
	steps := append(guards(spec.Ports), driver.Step{Name: "server", Main: true, Await: true})
	if spec.Stopped {
		steps = append(steps, driver.Step{Name: "stop", Await: true})
	}
	return steps, nil
}

// create is one order for the server with its system disk. The address comes with it: there are no ports to make before.
func (s serverKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.ServerSpec)
	on, err := table.PlatformNetwork(c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	subnet, err := s.subnetOf(ctx, on)
	if err != nil {
		return driver.Reply{}, err
	}
	group, _, err := s.groupOf(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	flavor, err := s.flavor(ctx, spec, s.account.Mapping.Zones[c.Zone])
	if err != nil {
		return driver.Reply{}, err
	}
	image, err := s.image(ctx, spec.Image)
	if err != nil {
		return driver.Reply{}, err
	}
	a := s.project(s.term(c.Change, args{"clientToken": token(c), "instanceName": c.Mark, "displayName": table.Title(c.Change, longestName),
		"flavorID": flavor.ID, "imageType": image.kind(), "imageID": image.ID, "bootDiskType": s.systemDisk(),
		"bootDiskSize": max(spec.SystemDiskGiB, smallestSystemDisk), "vpcID": on.ID, "extIP": "0", "secGroupList": []string{group.ID},
		"networkCardList": []args{{"isMaster": true, "subnetID": subnet}}}))
	if zone := s.account.Mapping.Zones[c.Zone]; zone != "" {
		a["azName"] = zone
	}
	if data := login(c.Secret); data != nil {
		a["userData"] = base64.StdEncoding.EncodeToString(data)
	}
	if p := table.Password(c.Secret); p != "" {
		a["userPassword"] = p
	}
	return s.mutate(ctx, post(ecs, "/v4/ecs/create-instance", a), ordered)
}

// term says how a server is bought, with the vendor's own renewal off.
func (s serverKind) term(c driver.Change, a args) args {
	a["onDemand"] = c.Months == 0
	if c.Months > 0 {
		unit, count := cycle(c.Months)
		a["cycleType"], a["cycleCount"], a["autoRenewStatus"] = strings.ToUpper(unit), count, 0
	}
	return a
}

func (c *Cloud) systemDisk() string {
	if mapped := c.account.Mapping.Classes[classSystem]; mapped != "" {
		return mapped
	}
	return defaultSystemDisk
}

// login is the cloud-init document that lets the department in: its public key, since the vendor's key pairs are RSA only,
// or a password, which the order carries and the department must change at once.
func login(secret driver.Secret) []byte {
	if table.Password(secret) == "" {
		return table.AuthorizedKey(secret)
	}
	return []byte("#cloud-config\nchpasswd: {expire: true}\nssh_pwauth: true\n")
}

// power reads first: a server that is there already, or (leaving) is no more, needs no call.
func (s serverKind) power(verb string, leaving bool) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		v, err := s.servers().of(ctx, c)
		switch {
		case err != nil:
			return driver.Reply{}, table.Unsent(Code, err)
		case v == nil && leaving:
			return driver.Reply{}, nil
		case v == nil:
			return driver.Reply{}, table.Missing("server")
		}
		state, _ := powered(verb == "stop")(c, *v)
		if leaving {
			state, _ = stoppedForGood(c, *v)
		}
		if state == driver.Done {
			return driver.Reply{}, nil
		}
		return s.mutate(ctx, post(ecs, "/v4/ecs/"+verb+"-instance", args{"instanceID": v.ID}), "")
	}
}

// resize orders the flavor of the new demand; one that the present flavor answers to is no call at all.
func (s serverKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := s.servers().must(ctx, c, "server")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	target, err := s.flavor(ctx, c.After.(duoyun.ServerSpec), v.Zone)
	if err != nil || target.ID == v.Flavor.ID {
		return driver.Reply{}, err
	}
	return s.mutate(ctx, post(ecs, "/v4/ecs/update-flavor-spec", args{"clientToken": token(c), "instanceID": v.ID, "flavorID": target.ID}), "")
}

func (s serverKind) renew(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := s.servers().must(ctx, c, "server")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	unit, count := cycle(c.Months)
	return s.mutate(ctx, post(ecs, "/v4/ecs/resubscribe-instance", args{"clientToken": token(c), "instanceID": v.ID,
		"cycleType": strings.ToUpper(unit), "cycleCount": count}), "")
}

func (s serverKind) unsubscribe(c driver.Call, v server) request {
	return post(ecs, "/v4/ecs/unsubscribe-instance", args{"clientToken": token(c), "instanceID": v.ID})
}

// destroy empties the recycle bin of a subscription; what was on demand is gone by itself.
func (s serverKind) destroy(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := s.servers().of(ctx, c)
	if err != nil || v == nil || v.Status != "unsubscribed" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	reply, err := s.mutate(ctx, post(ecs, "/v4/ecs/destroy-instance", args{"clientToken": token(c), "instanceID": v.ID}), "")
	return reply, hindered(err)
}
