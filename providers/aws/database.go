package aws

import (
	"context"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// administrator is the login that databases are made with.
const administrator = "dbadmin"

// classDatabase is the name under which an account maps the storage type of databases; without it gp3.
const classDatabase = "database"

// databaseKind is an RDS instance, in a subnet group over the network's two zones and behind a security group of its own.
// Its identifier is the mark.
type databaseKind struct{ *Cloud }

func (d databaseKind) guard() guard { return guard{d.Cloud, "database_group", d.databases().exists} }

func (d databaseKind) kind() *table.Kind {
	await := func(name string) driver.Step { return driver.Step{Name: name, Await: true} }
	return &table.Kind{
		Plans: table.Plans{Create: planDatabase, Update: planDatabaseChange, Delete: table.Fixed(
			driver.Step{Name: "delete-database", Main: true, Await: true}, await("delete-subnet_group"), driver.Step{Name: "delete-database_group"})},
		Verbs: d.guard().verbs(map[string]table.Verb{
			"subnet_group":        {Run: d.makeSubnets(rds, "DB"), Look: d.subnetGroups().named(same, table.Made)},
			"database":            {Run: d.make, Look: d.databases().named(same, table.Made)},
			"storage":             {Run: d.grow, Look: d.lookGrown},
			"resize":              {Run: d.resize, Look: d.lookResize},
			"delete-database":     {Run: d.remove, Look: d.databases().named(same, table.Unmade)},
			"delete-subnet_group": {Run: d.subnetGroups().dropping("DeleteDBSubnetGroup", "DBSubnetGroupName"), Look: d.subnetGroups().named(same, table.Unmade)},
		}, d.neighbours),
		Reading: d.observe, Listing: d.databases().listed(d.observed),
		Parts: map[string]table.Shelf{"database_group": d.guard().groups().shelf(), "subnet_group": d.subnetGroups().shelf()},
	}
}

// engine is what RDS calls an engine, and where it listens.
func engine(name string) (vendor, port string, err error) {
	switch name {
	case duoyun.EngineMySQL:
		return "mysql", "3306", nil
	case duoyun.EnginePostgreSQL:
		return "postgres", "5432", nil
	}
	return "", "", table.Impossible("spec.engine", "没有 %s 数据库", "there is no %s database", name)
}

func planDatabase(c driver.Change) ([]driver.Step, error) {
	_, port, err := engine(c.After.(duoyun.DatabaseSpec).Engine)
	if err != nil {
		return nil, err
	}
	_, err = table.PlatformNetwork(c)
	return []driver.Step{{Name: "database_group"}, {Name: "rule:" + port}, {Name: "subnet_group"}, {Name: "database", Main: true, Await: true}}, err
}

// planDatabaseChange grows the storage first: it is quick, and a larger instance must not wait for it.
func planDatabaseChange(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.DatabaseSpec), c.After.(duoyun.DatabaseSpec)
	if before.Engine != after.Engine || before.Version != after.Version || before.Standby != after.Standby || after.StorageGiB < before.StorageGiB {
		return nil, table.Impossible("spec", "云数据库只能改 vCPU、内存和扩容存储", "only vcpu and ram_gib of a database can be changed, and its storage can grow")
	}
	var steps []driver.Step
	if after.StorageGiB != before.StorageGiB {
		steps = append(steps, driver.Step{Name: "storage", Await: true})
	}
	if after.VCPU != before.VCPU || after.RAMGiB != before.RAMGiB {
		steps = append(steps, driver.Step{Name: "resize", Await: true})
	}
	return steps, nil
}

// database is an instance as DescribeDBInstances shows it.
type database struct {
	ID      string `xml:"DBInstanceIdentifier"`
	Class   string `xml:"DBInstanceClass"`
	Status  string `xml:"DBInstanceStatus"`
	Engine  string
	Version string `xml:"EngineVersion"`
	Storage int64  `xml:"AllocatedStorage"` // GiB
	Standby bool   `xml:"MultiAZ"`
	Address string `xml:"Endpoint>Address"`
	VpcID   string `xml:"DBSubnetGroup>VpcId"`
	Zone    string `xml:"AvailabilityZone"`
	Created string `xml:"InstanceCreateTime"`
	Pending struct {
		Class   string `xml:"DBInstanceClass"`
		Storage int64  `xml:"AllocatedStorage"`
	} `xml:"PendingModifiedValues"`
}

func (v database) key() string { return v.ID }

func (v database) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.ID, State: databaseState(v.Status), Detail: v.Status}
}

// databaseState follows the statuses of docs.aws.amazon.com/AmazonRDS/latest/UserGuide/accessing-monitoring.html: most are
// of work on a database that serves.
func databaseState(status string) driver.ObservedState {
	switch {
	case status == "creating":
		return driver.Building
	case status == "deleting":
		return driver.Deleting
	case status == "stopped":
		return driver.Stopped
	case status == "failed", status == "restore-error", status == "storage-full", strings.HasPrefix(status, "incompatible"), strings.HasPrefix(status, "inaccessible"):
		return driver.Errored
	}
	return driver.Active
}

func (c *Cloud) databases() listing[database] {
	return listing[database]{cloud: c, service: rds, action: "DescribeDBInstances", list: "DBInstances", id: "DBInstanceIdentifier"}
}

// subnetGroup is where databases or caches may be put.
type subnetGroup struct {
	DB    string `xml:"DBSubnetGroupName"`
	Cache string `xml:"CacheSubnetGroupName"`
}

func (v subnetGroup) key() string { return v.DB + v.Cache }

func (v subnetGroup) thing() table.Thing {
	return table.Thing{ID: v.key(), Note: table.Note(v.key(), "subnet_group"), State: driver.Active}
}

func (c *Cloud) subnetGroups() listing[subnetGroup] {
	return listing[subnetGroup]{cloud: c, service: rds, action: "DescribeDBSubnetGroups", list: "DBSubnetGroups", id: "DBSubnetGroupName"}
}

// makeSubnets makes a group of the network's two subnets, named by the mark. The services word it alike but for a prefix.
func (c *Cloud) makeSubnets(s service, prefix string) func(context.Context, driver.Call) (driver.Reply, error) {
	kind := prefix + "SubnetGroup"
	return func(ctx context.Context, call driver.Call) (driver.Reply, error) {
		main, standby, err := c.subnetOf(ctx, call.Change)
		if err != nil {
			return driver.Reply{}, err
		}
		in := params{kind + "Name": call.Mark, kind + "Description": table.Note(call.Mark, "subnet_group"), "SubnetIds.SubnetIdentifier.1": main.ID, "SubnetIds.SubnetIdentifier.2": standby.ID}
		return c.create(ctx, s, "Create"+kind, in.tagged("Tag", call.Change), "Create"+kind+"Result", kind, kind+"Name")
	}
}

// dropping deletes what is named by the mark; what is gone is no error to it.
func (l listing[T]) dropping(action, parameter string) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		reply, err := l.cloud.change(ctx, l.service, action, params{parameter: c.Mark})
		return reply, table.Ignoring(Code, err, driver.NotFound)
	}
}

func (d databaseKind) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.DatabaseSpec)
	name, _, err := engine(spec.Engine)
	if err != nil {
		return driver.Reply{}, err
	}
	main, _, err := d.subnetOf(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	group, err := d.guard().of(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	version, class, err := d.class(ctx, spec, name)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	in := params{"DBInstanceIdentifier": c.Mark, "DBInstanceClass": class, "Engine": name, "EngineVersion": version, "AllocatedStorage": strconv.FormatInt(spec.StorageGiB, 10),
		"StorageType": orElse(d.account.Mapping.Classes[classDatabase], "gp3"), "MasterUsername": administrator, "MasterUserPassword": c.Secret.Reveal(),
		"DBSubnetGroupName": c.Mark, "VpcSecurityGroupIds.VpcSecurityGroupId.1": group.ID, "PubliclyAccessible": "false", "MultiAZ": strconv.FormatBool(spec.Standby)}
	if !spec.Standby {
		in["AvailabilityZone"] = main.Zone
	}
	return d.create(ctx, rds, "CreateDBInstance", in.tagged("Tag", c.Change), "CreateDBInstanceResult", "DBInstance", "DBInstanceIdentifier")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// orderable is a class that can be ordered for an engine's version.
type orderable struct {
	Class   string `xml:"DBInstanceClass"`
	Standby bool   `xml:"MultiAZCapable"`
}

func (o orderable) key() string        { return o.Class }
func (o orderable) thing() table.Thing { return table.Thing{ID: o.Class, State: driver.Active} }

// class finds the version that a major version stands for now, and the cheapest class on sale for it. A class is an
// instance type with "db." before it, and has that type's size.
func (d databaseKind) class(ctx context.Context, spec duoyun.DatabaseSpec, engine string) (version, class string, err error) {
	answer, err := d.call(ctx, rds, "DescribeDBEngineVersions", params{"Engine": engine, "EngineVersion": spec.Version, "DefaultOnly": "true"})
	if err != nil {
		return "", "", err
	}
	if version, err = text(answer, "DescribeDBEngineVersionsResult", "DBEngineVersions", "DBEngineVersion", "EngineVersion"); err != nil {
		return "", "", err
	}
	if version == "" {
		return "", "", table.Impossible("spec.version", "没有 %s %s", "there is no %s %s", engine, spec.Version)
	}
	l := listing[orderable]{cloud: d.Cloud, service: rds, action: "DescribeOrderableDBInstanceOptions", list: "OrderableDBInstanceOptions",
		more: params{"Engine": engine, "EngineVersion": version, "Vpc": "true"}}
	all, err := l.every(ctx)
	if err != nil {
		return "", "", err
	}
	var sold []offering
	for _, o := range all {
		if o.Standby || !spec.Standby {
			sold = append(sold, offering{strings.TrimPrefix(o.Class, "db.")})
		}
	}
	f, err := d.choose(ctx, sold, spec.VCPU, spec.RAMGiB, "")
	return version, "db." + f.ID, err
}

// grow and resize are applied at once, not in the next maintenance window.
func (d databaseKind) grow(ctx context.Context, c driver.Call) (driver.Reply, error) {
	return d.modify(ctx, c, func(v database) (params, error) {
		after := c.After.(duoyun.DatabaseSpec)
		if v.Storage >= after.StorageGiB {
			return nil, nil
		}
		return params{"AllocatedStorage": strconv.FormatInt(after.StorageGiB, 10)}, nil
	})
}

func (d databaseKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	return d.modify(ctx, c, func(v database) (params, error) {
		_, class, err := d.class(ctx, c.After.(duoyun.DatabaseSpec), v.Engine)
		if err != nil || class == v.Class {
			return nil, err
		}
		return params{"DBInstanceClass": class}, nil
	})
}

// modify asks for what differs; nothing that differs is no call.
func (d databaseKind) modify(ctx context.Context, c driver.Call, differs func(database) (params, error)) (driver.Reply, error) {
	v, err := d.databases().get(ctx, c.Mark)
	var in params
	if err == nil {
		in, err = differs(v)
	}
	if err != nil || in == nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	in["DBInstanceIdentifier"], in["ApplyImmediately"] = c.Mark, "true"
	return d.change(ctx, rds, "ModifyDBInstance", in)
}

func (d databaseKind) lookGrown(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := d.databases().get(ctx, c.Mark)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		before, _ := c.Before.(duoyun.DatabaseSpec)
		after := c.After.(duoyun.DatabaseSpec)
		switch {
		case v.Storage >= after.StorageGiB:
			return driver.Done, v.ID, ""
		case v.Pending.Storage >= after.StorageGiB, v.Status == "modifying":
			return driver.Pending, v.ID, v.Status
		case v.Storage == before.StorageGiB:
			return driver.Absent, v.ID, v.Status
		}
		return driver.Conflict, v.ID, strconv.FormatInt(v.Storage, 10)
	})
}

// lookResize judges by the size, since the class that was chosen then may not be the one chosen now.
func (d databaseKind) lookResize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := d.databases().get(ctx, c.Mark)
	var size driver.Flavor
	if err == nil {
		size, err = d.sizeOf(ctx, strings.TrimPrefix(v.Class, "db."))
	}
	_, class, unsold := d.class(ctx, c.After.(duoyun.DatabaseSpec), v.Engine)
	if err == nil && Code(unsold) != driver.Invalid {
		err = unsold
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		before, _ := c.Before.(duoyun.DatabaseSpec)
		after := c.After.(duoyun.DatabaseSpec)
		switch {
		case v.Pending.Class != "", v.Status == "modifying":
			return driver.Pending, v.ID, v.Status
		case v.Class == class, covers(size, after.VCPU, after.RAMGiB) && !covers(size, before.VCPU, before.RAMGiB):
			return driver.Done, v.ID, ""
		case covers(size, before.VCPU, before.RAMGiB):
			return driver.Absent, v.ID, ""
		}
		return driver.Conflict, v.ID, v.Class
	})
}

// remove keeps no last snapshot: it would be charged, and nobody would know of it.
func (d databaseKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := d.databases().get(ctx, c.Mark)
	if err != nil || v.Status == "deleting" {
		return driver.Reply{}, table.Ignoring(Code, table.Unsent(Code, err), driver.NotFound)
	}
	reply, err := d.change(ctx, rds, "DeleteDBInstance", params{"DBInstanceIdentifier": c.Mark, "SkipFinalSnapshot": "true", "DeleteAutomatedBackups": "true"})
	return reply, table.Ignoring(Code, err, driver.NotFound)
}

// observe adds the size of the class.
func (d databaseKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := d.databases().get(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o := d.observed(v)
	size, err := d.sizeOf(ctx, strings.TrimPrefix(v.Class, "db."))
	spec := o.Spec.(duoyun.DatabaseSpec)
	spec.VCPU, spec.RAMGiB = size.VCPU, size.RAMMiB/1024
	o.Spec = spec
	return o, err
}

func (d databaseKind) observed(v database) driver.Observation {
	spec := duoyun.DatabaseSpec{Engine: v.Engine, Version: major(v.Engine, v.Version), StorageGiB: v.Storage, Standby: v.Standby}
	if v.Engine == "postgres" {
		spec.Engine = duoyun.EnginePostgreSQL
	}
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.ID), Name: v.ID, State: databaseState(v.Status), Spec: spec, CreatedAt: when(v.Created), Raw: raw(v)}
	if v.Address != "" {
		o.Addresses = []string{v.Address}
	}
	if v.VpcID != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {v.VpcID}}
	}
	return o
}

// major cuts a version to what the engine calls major: 8.0 of MySQL 8.0.39, 15 of PostgreSQL 15.8.
func major(engine, version string) string {
	first, rest, _ := strings.Cut(version, ".")
	if engine != "mysql" {
		return first
	}
	second, _, _ := strings.Cut(rest, ".")
	return first + "." + second
}
