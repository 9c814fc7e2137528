package ctyunfake

import (
	"encoding/base64"
	"strconv"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// metaTitle is where a server's name for people is kept, metaBin that it lies in the recycle bin.
const (
	metaTitle = "displayName"
	metaBin   = "unsubscribed"
)

// diskTypes are the vendor's names of the simulated cloud's volume types.
func diskTypes() map[string]string { return map[string]string{"SATA": "standard", "SSD": "ssd"} }

func diskType(vendor string) string { return diskTypes()[vendor] }

func vendorType(sim string) string {
	for vendor, name := range diskTypes() {
		if name == sim {
			return vendor
		}
	}
	return sim
}

func (f *Fake) compute() {
	f.post("/v4/ecs/create-instance", "clientToken! azName instanceName! displayName! flavorID! imageType!:i imageID! bootDiskType! bootDiskSize!:i vpcID! "+
		"onDemand!:b cycleCount:i cycleType autoRenewStatus:i networkCardList!:l extIP! secGroupList:l userData userPassword projectID", (*call).createServer)
	f.post("/v4/ecs/list-instances", "azName"+pageWords, func(c *call) (any, error) {
		if err := c.confirmResizes(); err != nil {
			return nil, err
		}
		all, err := views(c, c.showServer, nil)
		if err != nil {
			return nil, err
		}
		return paged(c, "results", 50, all)
	})
	f.get("/v4/ecs/instance-details", "instanceID!", func(c *call) (any, error) {
		if err := c.confirmResizes(); err != nil {
			return nil, err
		}
		s, err := c.server()
		if err != nil {
			return nil, err
		}
		return c.showServer(s), nil
	})
	f.serverChanges()
	f.post("/v4/ecs/flavor/list", "azName", (*call).flavors)
	f.get("/v4/image/list", "visibility"+pageWords, func(c *call) (any, error) {
		all, err := simcloud.List[simcloud.Image](c.sim, simcloud.Query{Owner: c.owner}, nil)
		images := []object{}
		for _, i := range all {
			if c.text("visibility") == "public" {
				images = append(images, object{"imageID": i.ID, "imageName": i.Name, "visibility": "public", "status": "active", "osType": "linux"})
			}
		}
		if err != nil {
			return nil, err
		}
		return paged(c, "images", 50, images)
	})
}

// serverChanges are the calls that change a server or give it back.
func (f *Fake) serverChanges() {
	f.post("/v4/ecs/start-instance", "instanceID!", c0((*simcloud.Cloud).StartServer))
	f.post("/v4/ecs/stop-instance", "instanceID! force:b", c0((*simcloud.Cloud).StopServer))
	f.post("/v4/ecs/update-flavor-spec", "clientToken! instanceID! flavorID!", func(c *call) (any, error) {
		if _, err := c.halted(); err != nil {
			return nil, err
		}
		if _, err := c.sim.ResizeServer(c.owner, c.text("instanceID"), c.text("flavorID")); err != nil {
			return nil, err
		}
		return c.order("upgrade", c.text("instanceID"))
	})
	f.post("/v4/ecs/unsubscribe-instance", "clientToken! instanceID!", (*call).unsubscribe)
	f.post("/v4/ecs/destroy-instance", "clientToken! instanceID!", func(c *call) (any, error) {
		s, err := c.server()
		if err == nil && s.Meta[metaBin] == "" {
			err = refuse("Ecs.Instance.StatusNotValid", "it is not in the recycle bin")
		}
		if err != nil {
			return nil, err
		}
		if _, err := c.sim.DeleteServer(c.owner, s.ID); err != nil {
			return nil, err
		}
		return c.order("destroy", s.ID)
	})
	f.post("/v4/ecs/resubscribe-instance", "clientToken! instanceID! cycleCount!:i cycleType!", func(c *call) (any, error) {
		months, err := c.months(c.text("cycleType"))
		if err != nil {
			return nil, err
		}
		if _, err := simcloud.Renew[simcloud.Server](c.sim, c.owner, c.text("instanceID"), months); err != nil {
			return nil, err
		}
		return c.order("renew", c.text("instanceID"))
	})
}

// c0 makes an API of a change of power.
func c0(f func(*simcloud.Cloud, simcloud.Owner, string) (*simcloud.Server, error)) func(*call) (any, error) {
	return func(c *call) (any, error) {
		if _, err := f(c.sim, c.owner, c.text("instanceID")); err != nil {
			return nil, err
		}
		return object{"jobID": newID()}, nil
	}
}

func (c *call) server() (*simcloud.Server, error) {
	return mine[simcloud.Server](c, simcloud.KindServer, c.text("instanceID"))
}

// halted is the server of a call that may be made while it is off only; what failed never ran.
func (c *call) halted() (*simcloud.Server, error) {
	s, err := c.server()
	if err == nil && s.State != simcloud.Stopped && s.State != simcloud.Failed {
		err = refuse("Ecs.Instance.StatusNotStopped", "the server is %s", s.State)
	}
	return s, err
}

func (c *call) createServer() (any, error) {
	cards := c.list("networkCardList")
	if len(cards) != 1 {
		return nil, c.wrong("networkCardList")
	}
	given, _ := cards[0].(map[string]any)
	card, err := c.checked([]string{"isMaster!:b", "subnetID!", "fixedIP"}, given, false)
	if err != nil {
		return nil, err
	}
	months, name := 0, c.text("instanceName")
	if !c.truth("onDemand") {
		if months, err = c.months(c.text("cycleType")); err != nil {
			return nil, err
		}
	}
	data, err := base64.StdEncoding.DecodeString(c.text("userData"))
	password := c.text("userPassword")
	if err != nil || len(name) < 2 || len(name) > 64 || len(c.text("displayName")) > 63 || password != "" && (len(password) < 8 || len(password) > 30) {
		return nil, c.wrong("instanceName")
	}
	if c.number("bootDiskSize") < 40 || diskType(c.text("bootDiskType")) == "" || c.number("imageType") != 1 || c.text("extIP") != "0" {
		return nil, c.wrong("bootDiskSize")
	}
	groups := []string{}
	for _, g := range c.list("secGroupList") {
		groups = append(groups, str(g))
	}
	s, err := c.sim.CreateServer(simcloud.ServerInput{Object: simcloud.Object{Owner: c.owner, Zone: c.text("azName"), Name: name,
		Meta: map[string]string{metaTitle: c.text("displayName")}}, Purchase: simcloud.Purchase{Months: months}, FlavorID: c.text("flavorID"),
		ImageID: c.text("imageID"), UserData: string(data), GroupIDs: groups, Nics: []simcloud.Nic{{SubnetID: str(card["subnetID"]), Address: str(card["fixedIP"])}},
		Disks: []simcloud.Disk{{SizeGiB: c.number("bootDiskSize"), Type: diskType(c.text("bootDiskType")), ImageID: c.text("imageID"), Owned: true}}})
	if err != nil {
		return nil, err
	}
	order, err := c.order("new", s.ID)
	if err == nil {
		order["masterResourceID"] = newID() // the order's own id of it, not the server's
	}
	return order, err
}

// unsubscribe ends a server on demand, and puts a subscription into the recycle bin.
func (c *call) unsubscribe() (any, error) {
	s, err := c.halted()
	switch {
	case err != nil:
		return nil, err
	case s.Meta[metaBin] != "":
		return nil, refuse("Ecs.Instance.StatusNotValid", "it is unsubscribed")
	case s.Months > 0:
		_, err = simcloud.Edit(c.sim, c.owner, s.ID, func(s *simcloud.Server) error { s.Meta = note(s.Meta, metaBin, "1"); return nil })
	default:
		_, err = c.sim.DeleteServer(c.owner, s.ID)
	}
	if err != nil {
		return nil, err
	}
	return c.order("refund", s.ID)
}

// confirmResizes does what the vendor needs nobody for.
func (c *call) confirmResizes() error {
	all, err := simcloud.List[simcloud.Server](c.sim, simcloud.Query{Owner: c.owner}, func(s *simcloud.Server) bool { return s.State == simcloud.Resized })
	for _, s := range all {
		if _, err := c.sim.ConfirmResize(c.owner, s.ID); err != nil {
			return err
		}
	}
	return err
}

func serverStatus(s *simcloud.Server) string {
	status := map[simcloud.State]string{simcloud.Building: "creating", simcloud.Active: "running", simcloud.Stopped: "stopped", simcloud.Stopping: "stopping",
		simcloud.Starting: "starting", simcloud.Restarting: "restarting", simcloud.Failed: "error", simcloud.Deleting: "unsubscribing"}[s.State]
	switch {
	case s.Meta[metaBin] != "" && s.State != simcloud.Deleting:
		return "unsubscribed"
	case status == "":
		return "rebuild" // what the vendor shows of a change of flavor is not documented
	}
	return status
}

func (c *call) showServer(s *simcloud.Server) object {
	flavor, _ := simcloud.Get[simcloud.Flavor](c.sim, c.owner, s.FlavorID)
	image, _ := simcloud.Get[simcloud.Image](c.sim, c.owner, s.ImageID)
	v := object{"instanceID": s.ID, "instanceName": s.Name, "displayName": s.Meta[metaTitle], "instanceStatus": serverStatus(s), "azName": s.Zone,
		"createdTime": s.Created.UTC().Format("2006-01-02T15:04:05Z"), "expiredTime": "", "onDemand": s.Months == 0, "fixedIPList": []string{}}
	if !s.PaidUntil.IsZero() {
		v["expiredTime"] = strconv.FormatInt(s.PaidUntil.UnixMilli(), 10)
	}
	if flavor != nil {
		v["flavor"] = object{"flavorID": flavor.ID, "flavorName": flavor.Name, "flavorCPU": flavor.VCPU, "flavorRAM": flavor.RAMMiB / 1024}
	}
	if image != nil {
		v["image"] = object{"imageID": image.ID, "imageName": image.Name}
	}
	cards, groups := []object{}, []object{}
	for i, id := range s.PortIDs {
		p, err := simcloud.Get[simcloud.Port](c.sim, c.owner, id)
		if err != nil || len(p.Fixed) == 0 {
			continue
		}
		v["vpcID"] = p.NetworkID
		cards = append(cards, object{"IPv4Address": p.Fixed[0].Address, "subnetID": p.Fixed[0].SubnetID, "isMaster": i == 0})
		for _, g := range p.GroupIDs {
			if group, err := simcloud.Get[simcloud.Group](c.sim, c.owner, g); err == nil {
				groups = append(groups, object{"securityGroupID": g, "securityGroupName": group.Name})
			}
		}
	}
	v["networkCardList"], v["secGroupList"] = cards, groups
	return v
}

func (c *call) flavors() (any, error) {
	all, err := simcloud.List[simcloud.Flavor](c.sim, simcloud.Query{Owner: c.owner}, nil)
	list := []object{}
	for _, f := range all {
		list = append(list, object{"flavorID": f.ID, "flavorName": f.Name, "flavorType": "CPU_" + f.Family, "flavorSeries": "S", "flavorCPU": f.VCPU,
			"flavorRAM": f.RAMMiB / 1024, "available": !f.SoldOut, "azList": []string{}})
	}
	return object{"flavorList": list}, err
}
