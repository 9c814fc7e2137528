package aws

import (
	"context"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// guard is the security group of a kind's units, with one rule a port. Its part has a name of its own in each kind, so that
// no kind takes another's groups for its own.
type guard struct {
	*Cloud
	part  string
	vouch func(context.Context, string) error
}

// group is a security group. Its name is unique in its VPC, so that a second creation is refused.
type group struct {
	ID    string `xml:"groupId"`
	Tags  tags   `xml:"tagSet>item"`
	Rules []struct {
		Protocol string `xml:"ipProtocol"`
		From     int    `xml:"fromPort"`
		To       int    `xml:"toPort"`
	} `xml:"ipPermissions>item"`
}

func (g group) key() string { return g.ID }

func (g group) thing() table.Thing {
	return table.Thing{ID: g.ID, Note: g.Tags.value(tagMark), State: driver.Active}
}

// open are the single TCP ports that a group lets in.
func (g group) open() map[int]bool {
	open := map[int]bool{}
	for _, r := range g.Rules {
		if r.Protocol == "tcp" && r.From == r.To {
			open[r.From] = true
		}
	}
	return open
}

func (g guard) groups() listing[group] {
	return listing[group]{cloud: g.Cloud, service: ec2, action: "DescribeSecurityGroups", list: "securityGroupInfo", fits: begins("sg-"), id: "GroupId.1", vouch: g.vouch}
}

// verbs are the steps that make the group and its rules, and take it away; from is what may reach the ports.
func (g guard) verbs(all map[string]table.Verb, from func(context.Context, driver.Call) (string, error)) map[string]table.Verb {
	shelf := g.groups().shelf()
	all[g.part] = table.Verb{Run: g.make, Look: shelf.LookMade(g.part)}
	all["rule"] = table.Verb{Run: g.admit(from), Look: g.lookAdmitted}
	all["delete-"+g.part] = table.Verb{Run: g.groups().removal(g.part, "DeleteSecurityGroup", "GroupId"), Look: shelf.LookUnmade(g.part)}
	return all
}

func (g guard) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	network, err := table.PlatformNetwork(c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	in := params{"VpcId": network.ID, "GroupName": c.Mark, "GroupDescription": table.Note(c.Mark, g.part)}
	return g.create(ctx, ec2, "CreateSecurityGroup", in.labelled("security-group", table.Note(c.Mark, g.part), table.Title(c.Change, longestName)), "groupId")
}

// of finds the group of a call.
func (g guard) of(ctx context.Context, c driver.Call) (group, error) {
	return g.groups().need(ctx, c.Parts[g.part], table.Note(c.Mark, g.part), g.part)
}

func port(c driver.Call) (int, error) {
	_, text, _ := strings.Cut(c.Step, ":")
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, table.Impossible("step", "步骤 %q 没有端口", "step %q names no port", c.Step)
	}
	return n, nil
}

// admit lets in what a step "rule:443" names.
func (g guard) admit(from func(context.Context, driver.Call) (string, error)) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		n, err := port(c)
		if err != nil {
			return driver.Reply{}, err
		}
		v, err := g.of(ctx, c)
		if err != nil || v.open()[n] {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		source, err := from(ctx, c)
		if err != nil {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		return g.change(ctx, ec2, "AuthorizeSecurityGroupIngress", params{"GroupId": v.ID, "IpPermissions.1.IpProtocol": "tcp",
			"IpPermissions.1.FromPort": strconv.Itoa(n), "IpPermissions.1.ToPort": strconv.Itoa(n), "IpPermissions.1.IpRanges.1.CidrIp": source,
			"IpPermissions.1.IpRanges.1.Description": table.Note(c.Mark, "rule")})
	}
}

func (g guard) lookAdmitted(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	n, err := port(c)
	if err != nil {
		return driver.Evidence{}, err
	}
	v, err := g.of(ctx, c)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		if !v.open()[n] {
			return driver.Absent, "", ""
		}
		return driver.Done, "", ""
	})
}

// anywhere is where the callers of servers come from: the zones' own firewalls stand before the cloud.
func anywhere(context.Context, driver.Call) (string, error) { return everywhere, nil }

// neighbours are the callers of databases and caches: what is on the same network.
func (c *Cloud) neighbours(ctx context.Context, call driver.Call) (string, error) {
	l, _ := table.Link(call.Change, duoyun.RelNetwork)
	v, err := c.vpcs().get(ctx, l.ID)
	return v.CIDR, err
}
