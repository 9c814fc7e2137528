package awsfake

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func databaseActions() []action {
	const tags = " Tags.Tag.N.Key Tags.Tag.N.Value"
	return []action{
		{service: "rds", name: "CreateDBSubnetGroup", needs: "DBSubnetGroupName DBSubnetGroupDescription SubnetIds.SubnetIdentifier.N", takes: tags, do: createSubnetGroup("DB", 2)},
		{service: "rds", name: "DescribeDBSubnetGroups", takes: "DBSubnetGroupName" + pages, do: describeSubnetGroups("DB")},
		{service: "rds", name: "DeleteDBSubnetGroup", needs: "DBSubnetGroupName", do: deleteSubnetGroup("DB", "InvalidDBSubnetGroupStateFault")},
		{service: "rds", name: "DescribeDBEngineVersions", takes: "Engine EngineVersion DefaultOnly:bool" + pages, do: describeEngines},
		{service: "rds", name: "DescribeOrderableDBInstanceOptions", needs: "Engine", takes: "EngineVersion Vpc:bool" + pages, do: describeOrderable},
		{service: "rds", name: "CreateDBInstance", needs: "DBInstanceIdentifier DBInstanceClass Engine", takes: "EngineVersion AllocatedStorage:int StorageType MasterUsername" +
			" MasterUserPassword DBSubnetGroupName VpcSecurityGroupIds.VpcSecurityGroupId.N PubliclyAccessible:bool MultiAZ:bool AvailabilityZone" + tags, do: createDatabase},
		{service: "rds", name: "DescribeDBInstances", takes: "DBInstanceIdentifier" + pages, do: describeDatabases},
		{service: "rds", name: "ModifyDBInstance", needs: "DBInstanceIdentifier", takes: "DBInstanceClass AllocatedStorage:int ApplyImmediately:bool", do: modifyDatabase},
		{service: "rds", name: "DeleteDBInstance", needs: "DBInstanceIdentifier", takes: "SkipFinalSnapshot:bool DeleteAutomatedBackups:bool", do: deleteDatabase},
	}
}

// subnetGroup is where databases or caches may be put.
type subnetGroup struct {
	name    string
	subnets []*simcloud.Subnet
}

// identifier is what the names of databases and caches must be like: no hyphen twice, or last.
var identifier = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*(-[a-zA-Z0-9]+)*$`)

// createSubnetGroup covers so many zones at least.
func createSubnetGroup(prefix string, zones int) func(*call) (object, error) {
	return func(c *call) (object, error) {
		kind := prefix + "SubnetGroup"
		g := subnetGroup{name: c.get(kind + "Name")}
		covered := map[string]bool{}
		for i := range c.texts("SubnetIds.SubnetIdentifier") {
			s, err := one[simcloud.Subnet](c, simcloud.KindSubnet, []string{"SubnetIds.SubnetIdentifier.1", "SubnetIds.SubnetIdentifier.2"}[i])
			if err != nil {
				return nil, bad("InvalidSubnet", "Some input subnets are invalid.")
			}
			g.subnets, covered[s.Zone] = append(g.subnets, s), true
		}
		key := prefix + "/" + g.name
		switch {
		case len(covered) < zones:
			return nil, bad("DBSubnetGroupDoesNotCoverEnoughAZs", "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement.")
		case c.places[key].name != "":
			return nil, bad(either(prefix == "DB", kind+"AlreadyExists", kind+"AlreadyExistsFault"), "%s is in use by another group.", g.name)
		}
		c.places[key] = g
		return object{kind: object{kind + "Name": g.name, "VpcId": out("vpc", g.subnets[0].NetworkID)}}, nil
	}
}

func describeSubnetGroups(prefix string) func(*call) (object, error) {
	return func(c *call) (object, error) {
		kind := prefix + "SubnetGroup"
		var all []object
		for _, g := range c.places {
			if _, ours := c.places[prefix+"/"+g.name]; ours && (c.get(kind+"Name") == "" || c.get(kind+"Name") == g.name) {
				all = append(all, object{kind + "Name": g.name, "VpcId": out("vpc", g.subnets[0].NetworkID)})
			}
		}
		if len(all) == 0 && c.get(kind+"Name") != "" {
			return nil, refuse(http.StatusNotFound, kind+"NotFoundFault", "%s not found.", c.get(kind+"Name"))
		}
		return object{kind + "s": listOf(kind, all)}, nil
	}
}

// deleteSubnetGroup refuses what something stands in.
func deleteSubnetGroup(prefix, busy string) func(*call) (object, error) {
	return func(c *call) (object, error) {
		name := c.get(prefix + "SubnetGroupName")
		key := prefix + "/" + name
		if c.places[key].name == "" {
			return nil, refuse(http.StatusNotFound, prefix+"SubnetGroupNotFoundFault", "%s not found.", name)
		}
		databases, err := simcloud.List(c.sim, simcloud.Query{Owner: c.owner}, func(d *simcloud.Database) bool { return prefix == "DB" && d.Meta[metaPlace] == name })
		if err != nil {
			return nil, err
		}
		caches, err := simcloud.List(c.sim, simcloud.Query{Owner: c.owner}, func(x *simcloud.Cache) bool { return prefix != "DB" && x.Meta[metaPlace] == name })
		if err == nil && len(databases)+len(caches) > 0 {
			err = bad(busy, "Cannot delete the subnet group '%s' because at least one instance is still using it.", name)
		}
		if err == nil {
			delete(c.places, key)
		}
		return object{}, err
	}
}

// metaPlace is the subnet group that a database or cache is in.
const metaPlace = "subnet_group"

// exact is the version that a major version stands for; "" for one that is not served.
func exact(engine, version string) string {
	return map[string]string{"mysql 8.0": "8.0.39", "mysql 8.4": "8.4.3", "postgres 15": "15.8", "postgres 16": "16.4"}[engine+" "+version]
}

func describeEngines(c *call) (object, error) {
	var all []object
	if v := exact(c.get("Engine"), c.get("EngineVersion")); v != "" {
		all = append(all, object{"Engine": c.get("Engine"), "EngineVersion": v})
	}
	return object{"DBEngineVersions": listOf("DBEngineVersion", all)}, nil
}

// slice cuts a page of a listing with markers out of all that there is.
func slice[T any](c *call, all []T, name func(T) string, set, of string, view func(T) object) object {
	at, answer := 0, object{}
	if marker := c.get("Marker"); marker != "" {
		at = slices.IndexFunc(all, func(v T) bool { return name(v) == marker }) + 1
	}
	end := len(all)
	if n := c.number("MaxRecords"); n > 0 {
		end = min(at+int(min(n, int64(c.maxPage))), len(all))
	}
	if end < len(all) {
		answer["Marker"] = name(all[end-1])
	}
	var views []object
	for _, v := range all[at:end] {
		views = append(views, view(v))
	}
	answer[set] = listOf(of, views)
	return answer
}

func describeOrderable(c *call) (object, error) {
	all, err := simcloud.List[simcloud.Flavor](c.sim, simcloud.Query{Owner: c.owner}, nil)
	return slice(c, all, func(f *simcloud.Flavor) string { return f.Name }, "OrderableDBInstanceOptions", "OrderableDBInstanceOption", func(f *simcloud.Flavor) object {
		return object{"Engine": c.get("Engine"), "EngineVersion": c.get("EngineVersion"), "DBInstanceClass": "db." + f.Name, "MultiAZCapable": true}
	}), err
}

// class is the size of a database's class.
func (c *call) class() (simcloud.DatabaseSize, error) {
	id, err := c.flavorID(strings.TrimPrefix(c.get("DBInstanceClass"), "db."))
	if err != nil {
		return simcloud.DatabaseSize{}, bad("InvalidParameterValue", "Invalid DB Instance class: %s", c.get("DBInstanceClass"))
	}
	f, err := simcloud.Get[simcloud.Flavor](c.sim, c.owner, id)
	if err != nil {
		return simcloud.DatabaseSize{}, err
	}
	return simcloud.DatabaseSize{Class: c.get("DBInstanceClass"), VCPU: f.VCPU, RAMMiB: f.RAMMiB}, nil
}

// the characters that a master password may not have.
const unprintable = "/\"@ '"

func createDatabase(c *call) (object, error) {
	name, g := c.get("DBInstanceIdentifier"), c.places["DB/"+c.get("DBSubnetGroupName")]
	password := c.get("MasterUserPassword")
	group, err := one[simcloud.Group](c, simcloud.KindGroup, "VpcSecurityGroupIds.VpcSecurityGroupId.1")
	size, unknown := c.class()
	size.StorageGiB = c.number("AllocatedStorage")
	found, listed := c.databases(name)
	switch {
	case listed != nil:
		return nil, listed
	case len(found) > 0:
		return nil, bad("DBInstanceAlreadyExists", "DB instance already exists")
	case !identifier.MatchString(name) || len(name) > 63:
		return nil, bad("InvalidParameterValue", "The parameter DBInstanceIdentifier is not a valid identifier.")
	case g.name == "":
		return nil, refuse(http.StatusNotFound, "DBSubnetGroupNotFoundFault", "DB subnet group '%s' does not exist.", c.get("DBSubnetGroupName"))
	case err != nil || group.NetworkID != g.subnets[0].NetworkID:
		return nil, bad("InvalidParameterValue", "The security group is not of the subnet group's VPC.")
	case unknown != nil:
		return nil, unknown
	case len(password) < 8 || len(password) > 41 || strings.ContainsAny(password, unprintable) || c.get("MasterUsername") == "":
		return nil, bad("InvalidParameterValue", "The parameter MasterUserPassword is not a valid password.")
	case size.StorageGiB < 20 || !slices.Contains([]string{"gp2", "gp3"}, c.get("StorageType")):
		return nil, bad("InvalidParameterValue", "Invalid storage size or type")
	case c.get("MultiAZ") == "true" && c.get("AvailabilityZone") != "":
		return nil, bad("InvalidParameterCombination", "Requesting a specific availability zone is not valid for Multi-AZ instances.")
	}
	d, err := c.sim.CreateDatabase(simcloud.DatabaseInput{Object: simcloud.Object{Owner: c.owner, Name: name, Zone: g.subnets[0].Zone, Meta: kept(c.pairs("Tags.Tag"), metaPlace, g.name)},
		Engine: c.get("Engine"), Version: c.get("EngineVersion"), Size: size, Standby: c.get("MultiAZ") == "true", Users: []string{c.get("MasterUsername")},
		Endpoint: simcloud.Endpoint{SubnetID: g.subnets[0].ID, GroupIDs: []string{group.ID}, Port: 3306}})
	if err != nil {
		return nil, err
	}
	return object{"DBInstance": database(d)}, nil
}

// databases finds those of a name; "" is all.
func (c *call) databases(name string) ([]*simcloud.Database, error) {
	return simcloud.List(c.sim, simcloud.Query{Owner: c.owner}, func(d *simcloud.Database) bool { return name == "" || d.Name == name })
}

func (c *call) database() (*simcloud.Database, error) {
	found, err := c.databases(c.get("DBInstanceIdentifier"))
	if err == nil && len(found) == 0 {
		err = refuse(http.StatusNotFound, "DBInstanceNotFound", "DBInstance %s not found.", c.get("DBInstanceIdentifier"))
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func database(d *simcloud.Database) object {
	status := map[simcloud.State]string{simcloud.Building: "creating", simcloud.Resizing: "modifying", simcloud.Deleting: "deleting", simcloud.Failed: "failed"}[d.State]
	o := object{"DBInstanceIdentifier": d.Name, "DBInstanceClass": d.Size.Class, "DBInstanceStatus": either(status == "", "available", status), "Engine": d.Engine,
		"EngineVersion": d.Version, "AllocatedStorage": d.Size.StorageGiB, "MultiAZ": d.Standby, "AvailabilityZone": d.Zone, "InstanceCreateTime": d.Created,
		"DBSubnetGroup": object{"DBSubnetGroupName": d.Meta[metaPlace], "VpcId": out("vpc", d.NetworkID)}}
	if d.State != simcloud.Building {
		o["Endpoint"] = object{"Address": d.Name + ".rds.amazonaws.com.cn", "Port": d.Port}
	}
	pending := object{}
	if d.State == simcloud.Resizing && d.NewSize.Class != d.Size.Class {
		pending["DBInstanceClass"] = d.NewSize.Class
	}
	if d.State == simcloud.Resizing && d.NewSize.StorageGiB != d.Size.StorageGiB {
		pending["AllocatedStorage"] = d.NewSize.StorageGiB
	}
	o["PendingModifiedValues"] = pending
	return o
}

func describeDatabases(c *call) (object, error) {
	name := c.get("DBInstanceIdentifier")
	all, err := c.databases(name)
	if err == nil && name != "" && len(all) == 0 {
		_, err = c.database()
	}
	if err != nil {
		return nil, err
	}
	return slice(c, all, func(d *simcloud.Database) string { return d.Name }, "DBInstances", "DBInstance", database), nil
}

func modifyDatabase(c *call) (object, error) {
	d, err := c.database()
	if err != nil {
		return nil, err
	}
	var to simcloud.DatabaseSize
	if c.in.Has("DBInstanceClass") {
		if to, err = c.class(); err != nil {
			return nil, err
		}
	}
	if to.StorageGiB = c.number("AllocatedStorage"); to.StorageGiB > 0 && to.StorageGiB*10 < d.Size.StorageGiB*11 {
		return nil, bad("InvalidParameterCombination", "Invalid storage size for engine name %s: it must grow by at least 10 percent", d.Engine)
	}
	if d, err = c.sim.ResizeDatabase(c.owner, d.ID, to); err != nil {
		return nil, err
	}
	return object{"DBInstance": database(d)}, nil
}

func deleteDatabase(c *call) (object, error) {
	d, err := c.database()
	switch {
	case err != nil:
		return nil, err
	case d.State == simcloud.Deleting:
		return nil, bad("InvalidDBInstanceState", "Instance %s is already being deleted.", d.Name)
	case c.get("SkipFinalSnapshot") != "true":
		return nil, bad("InvalidParameterCombination", "FinalDBSnapshotIdentifier cannot be empty when SkipFinalSnapshot is false")
	}
	if d, err = c.sim.DeleteDatabase(c.owner, d.ID); err != nil {
		return nil, err
	}
	return object{"DBInstance": database(d)}, nil
}
