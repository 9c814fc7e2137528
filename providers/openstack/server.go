package openstack

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// What a server's metadata says of it. The mark stands in a tag as well; either proves it ours.
const (
	metaMark  = "duoyun_mark"
	metaImage = "duoyun_image" // portable name of the image it was booted from
)

// classSystem is the name under which an account maps the volume type of system disks; when mapped, every server
// boots from a volume.
const classSystem = "system"

// serverKind: a security group, its rules, a port on the platform network, the server on that port.
type serverKind struct{ *Cloud }

func (s serverKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: planServer, Update: planServerChange, Delete: table.Fixed(
			driver.Step{Name: "delete-server", Main: true, Await: true}, driver.Step{Name: "delete-port"}, driver.Step{Name: "delete-security_group"})},
		Verbs: map[string]table.Verb{
			"security_group":        {Run: s.makeGroup, Look: s.groups().LookMade("security_group")},
			"rule":                  {Run: s.makeRule, Look: s.lookRule},
			"port":                  {Run: s.makePort, Look: s.ports().LookMade("port")},
			"server":                {Run: s.boot, Look: s.serverShelf().LookMainMade},
			"start":                 {Run: s.power(false), Look: s.lookPower(false)},
			"stop":                  {Run: s.power(true), Look: s.lookPower(true)},
			"resize":                {Run: s.resize, Look: s.lookResize},
			"confirm":               {Run: s.confirm, Look: s.lookConfirm},
			"delete-server":         {Run: s.deleteServer, Look: s.serverShelf().LookMainUnmade},
			"delete-port":           {Run: s.deletePort, Look: s.ports().LookUnmade("port")},
			"delete-security_group": {Run: s.deleteGroup, Look: s.groups().LookUnmade("security_group")},
		},
		Reading: s.observe, Listing: s.list,
		Parts: map[string]table.Shelf{"security_group": s.groups(), "port": s.ports()},
	}
}

// planServer: Nova boots what it is told to, so a server ordered off is stopped in a step of its own.
func planServer(c driver.Change) ([]driver.Step, error) {
	spec := c.After.(duoyun.ServerSpec)
	if _, err := table.PlatformNetwork(c); err != nil {
		return nil, err
	}
	steps := append([]driver.Step{{Name: "security_group"}}, table.Rules(spec.Ports)...)
	steps = append(steps, driver.Step{Name: "port"}, driver.Step{Name: "server", Main: true, Await: true})
	if spec.Stopped {
		steps = append(steps, driver.Step{Name: "stop", Await: true})
	}
	return steps, nil
}

// planServerChange resizes before it changes the power: Nova keeps the power state through a resize, and a server that is
// to be stopped may as well be resized while it runs.
func planServerChange(c driver.Change) ([]driver.Step, error) {
	before, after, resized, err := table.ServerChange(c)
	if err != nil {
		return nil, err
	}
	var steps []driver.Step
	if resized {
		steps = append(steps, driver.Step{Name: "resize", Await: true}, driver.Step{Name: "confirm", Await: true})
	}
	switch {
	case after.Stopped && !before.Stopped:
		steps = append(steps, driver.Step{Name: "stop", Await: true})
	case before.Stopped && !after.Stopped:
		steps = append(steps, driver.Step{Name: "start", Await: true})
	}
	return steps, nil
}

// makeGroup names the group by the mark: names are what Nova shows of a server's groups. Neutron adds rules that let
// everything out.
func (s serverKind) makeGroup(ctx context.Context, c driver.Call) (driver.Reply, error) {
	r := groups.Create(ctx, s.network, groups.CreateOpts{Name: c.Mark, Description: table.Note(c.Mark, "security_group")})
	g, err := r.Extract()
	if err != nil {
		return driver.Reply{}, err
	}
	return reply(g.ID, r.Header), nil
}

func (s serverKind) makeRule(ctx context.Context, c driver.Call) (driver.Reply, error) {
	port, group, err := s.rule(ctx, c)
	if err != nil {
		return driver.Reply{}, err
	}
	r := rules.Create(ctx, s.network, rules.CreateOpts{Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolTCP,
		PortRangeMin: port, PortRangeMax: port, SecGroupID: group, Description: table.Note(c.Mark, c.Step)})
	made, err := r.Extract()
	if err != nil {
		return driver.Reply{}, table.Ignoring(Code, err, driver.NotReady) // Neutron's 409: the group has this rule already
	}
	return reply(made.ID, r.Header), nil
}

// rule reads the port of a step "rule:443" and the group it belongs to.
func (s serverKind) rule(ctx context.Context, c driver.Call) (port int, group string, err error) {
	_, number, _ := strings.Cut(c.Step, ":")
	if port, err = strconv.Atoi(number); err != nil {
		return 0, "", table.Impossible("step", "步骤 %q 没有端口", "step %q has no port", c.Step)
	}
	group, err = s.groups().ID(ctx, c.Parts["security_group"], table.Note(c.Mark, "security_group"))
	if err != nil {
		return 0, "", table.Unsent(Code, err)
	}
	if group == "" {
		return 0, "", table.Missing("security_group")
	}
	return port, group, nil
}

// makePort takes the server's address before the server exists, so that it is known whatever becomes of the boot, and a
// port that Nova would have made itself could bear no mark.
func (s serverKind) makePort(ctx context.Context, c driver.Call) (driver.Reply, error) {
	network, err := table.PlatformNetwork(c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	group, err := s.groups().ID(ctx, c.Parts["security_group"], table.Note(c.Mark, "security_group"))
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if group == "" {
		return driver.Reply{}, table.Missing("security_group")
	}
	r := ports.Create(ctx, s.network, ports.CreateOpts{NetworkID: network.ID, Name: table.Title(c.Change, longestName),
		Description: table.Note(c.Mark, "port"), SecurityGroups: &[]string{group}})
	p, err := r.Extract()
	if err != nil {
		return driver.Reply{}, err
	}
	answer := reply(p.ID, r.Header)
	answer.Addresses = fixedIPs(*p)
	return answer, nil
}

// boot is the one call that marks a server: tags at boot need microversion 2.52, metadata would do without. Both are set,
// since a project may edit either.
func (s serverKind) boot(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.ServerSpec)
	demand := s.demand(spec)
	flavor, err := s.flavor(ctx, demand)
	if err != nil {
		return driver.Reply{}, err
	}
	image, err := s.imageID(ctx, spec.Image)
	if err != nil {
		return driver.Reply{}, err
	}
	port, err := s.ports().ID(ctx, c.Parts["port"], table.Note(c.Mark, "port"))
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if port == "" {
		return driver.Reply{}, table.Missing("port")
	}
	opts := servers.CreateOpts{Name: table.Title(c.Change, longestName), FlavorRef: flavor.ID, Networks: []servers.Network{{Port: port}},
		Tags: []string{c.Mark}, Metadata: map[string]string{metaMark: c.Mark, metaImage: spec.Image},
		// Nova is told the password too, for images that take it from there; without it Nova makes one up that nobody knows.
		AvailabilityZone: s.account.Mapping.Zones[c.Zone], UserData: login(c.Secret), AdminPass: table.Password(c.Secret)}
	if demand.IsLocal(flavor) {
		opts.ImageRef = image
	} else {
		opts.BlockDevice = []servers.BlockDevice{s.systemDisk(image, spec.SystemDiskGiB)}
	}
	r := servers.Create(ctx, s.compute, opts, nil)
	made, err := r.Extract()
	if err != nil {
		return driver.Reply{}, twice(err)
	}
	return reply(made.ID, r.Header), nil
}

// demand is what a server's spec asks of a flavor in this account.
func (s serverKind) demand(spec duoyun.ServerSpec) driver.Demand {
	return driver.Demand{VCPU: spec.VCPU, RAMGiB: spec.RAMGiB, DiskGiB: spec.SystemDiskGiB,
		Exact: s.account.Mapping.ExactFlavor, Volume: s.account.Mapping.Classes[classSystem] != "", Local: s.volume == nil}
}

// systemDisk is a volume that Nova makes of the image and deletes with the server. Its type needs microversion 2.67; no
// type is the cloud's default.
func (s serverKind) systemDisk(image string, gib int64) servers.BlockDevice {
	return servers.BlockDevice{SourceType: servers.SourceImage, DestinationType: servers.DestinationVolume, UUID: image,
		VolumeSize: int(gib), DeleteOnTermination: true, VolumeType: s.account.Mapping.Classes[classSystem]}
}

// login is the cloud-init document that lets the department in: its public key, or a password it must change at once.
func login(secret driver.Secret) []byte {
	value := table.Password(secret)
	if value == "" {
		return table.AuthorizedKey(secret)
	}
	quoted, err := json.Marshal(value)
	if err != nil {
		return nil // a Go string always marshals
	}
	return fmt.Appendf(nil, "#cloud-config\npassword: %s\nchpasswd: {expire: true}\nssh_pwauth: true\n", quoted)
}

// power reads first: Nova answers 409 to a stop of what is stopped, which would look like a state that passes.
func (s serverKind) power(stop bool) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		now, err := s.server(ctx, c)
		if err != nil {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		if state, _ := powered(now, stop); state == driver.Done {
			return driver.Reply{}, nil
		}
		if stop {
			r := servers.Stop(ctx, s.compute, now.ID)
			return reply("", r.Header), r.Err
		}
		r := servers.Start(ctx, s.compute, now.ID)
		return reply("", r.Header), r.Err
	}
}

// resize asks for the flavor of the new demand. A demand that the present flavor answers to is no call at all.
func (s serverKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := s.server(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	target, err := s.target(ctx, now, c.After.(duoyun.ServerSpec))
	if err != nil {
		return driver.Reply{}, err
	}
	if sized(now, target) {
		return driver.Reply{}, nil
	}
	r := servers.Resize(ctx, s.compute, now.ID, servers.ResizeOpts{FlavorRef: target.ID})
	return reply("", r.Header), r.Err
}

// target is the flavor a server resized to spec has. Its system disk stays what it is, and a local one cannot shrink.
func (s serverKind) target(ctx context.Context, now *servers.Server, spec duoyun.ServerSpec) (driver.Flavor, error) {
	demand := s.demand(spec)
	demand.Volume, demand.Local = now.Image == nil, now.Image != nil
	if demand.Local {
		demand.DiskGiB = max(demand.DiskGiB, number(now.Flavor["disk"]))
	}
	return s.flavor(ctx, demand)
}

// confirm ends a resize; until then Nova holds the old size's place as well. RESIZE is still under way, and Nova's 409
// says so.
func (s serverKind) confirm(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := s.server(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if now.Status != "VERIFY_RESIZE" && now.Status != "RESIZE" {
		return driver.Reply{}, nil // confirmed already, by hand or by the cloud's own timer
	}
	r := servers.ConfirmResize(ctx, s.compute, now.ID)
	return reply("", r.Header), r.Err
}

// deleteServer leaves the port: Nova deletes only ports that it made, and detaches the others.
func (s serverKind) deleteServer(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := s.serverShelf().ID(ctx, c.ID, c.Mark)
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := servers.Delete(ctx, s.compute, id)
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

func (s serverKind) deletePort(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := s.ports().ID(ctx, c.Parts["port"], table.Note(c.Mark, "port"))
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := ports.Delete(ctx, s.network, id)
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

func (s serverKind) deleteGroup(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := s.groups().ID(ctx, c.Parts["security_group"], table.Note(c.Mark, "security_group"))
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := groups.Delete(ctx, s.network, id)
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}
