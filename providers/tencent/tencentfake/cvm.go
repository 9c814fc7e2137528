package tencentfake

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// diskTypes are CBS's names of the simulated cloud's volume types.
func diskTypes() map[string]string {
	return map[string]string{"CLOUD_SSD": "ssd", "CLOUD_PREMIUM": "standard"}
}

func diskType(volumeType string) string {
	for name, t := range diskTypes() {
		if t == volumeType {
			return name
		}
	}
	return volumeType
}

type placement struct{ Zone string }

// runInstances are the parameters of RunInstances that this account may set.
type runInstances struct {
	InstanceChargeType    string
	InstanceChargePrepaid *term
	Placement             placement `need:""`
	InstanceType          string
	ImageId               string `need:""`
	SystemDisk            struct {
		DiskType string
		DiskSize int64
	}
	VirtualPrivateCloud struct{ VpcId, SubnetId string }
	InstanceCount       int
	InstanceName        string
	LoginSettings       *struct{ Password string }
	SecurityGroupIds    []string
	ClientToken         string
	UserData            string
	TagSpecification    []struct {
		ResourceType string
		Tags         []tag
	}
}

func cvmActions() map[string]action {
	return map[string]action{
		"cvm/RunInstances":               on((*call).runInstances),
		"cvm/InquiryPriceRunInstances":   on((*call).priceInstances),
		"cvm/InquiryPriceRenewInstances": on((*call).priceRenewal),
		"cvm/DescribeInstances":          on((*call).describeInstances),
		"cvm/StartInstances":             on((*call).startInstances),
		"cvm/StopInstances":              on((*call).stopInstances),
		"cvm/ResetInstancesType":         on((*call).resetType),
		"cvm/TerminateInstances":         on((*call).terminateInstances),
		"cvm/RenewInstances":             on((*call).renewInstances),
		"cvm/DescribeZones": on(func(c *call, _ struct{}) (object, error) {
			zones := c.zones(func(z string) object { return object{"Zone": z, "ZoneState": "AVAILABLE"} })
			return object{"TotalCount": len(zones), "ZoneSet": zones}, nil
		}),
		"cvm/DescribeZoneInstanceConfigInfos": on((*call).describeTypes),
		"cvm/DescribeImages":                  on((*call).describeImages),
	}
}

func (c *call) zones(view func(string) object) (out []object) {
	for _, r := range c.sim.Regions() {
		if r.Name == c.owner.Region {
			for _, z := range r.Zones {
				out = append(out, view(z))
			}
		}
	}
	return out
}

func cvmWords(err error) error {
	return words(err, map[simcloud.Reason]string{simcloud.Missing: "InvalidInstanceId.NotFound", simcloud.SoldOut: "ResourceInsufficient.SpecifiedInstanceType",
		simcloud.Exceeded: "LimitExceeded.InstanceQuota", simcloud.Busy: "OperationDenied.InstanceOperationInProgress"})
}

// flavor finds an instance type.
func (c *call) flavor(name string) (*simcloud.Flavor, error) {
	all, err := simcloud.List[simcloud.Flavor](c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Named(name)}}, nil)
	if err == nil && len(all) == 0 {
		err = refuse("InvalidInstanceType.Malformed", "there is no instance type %s", name)
	}
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// server turns RunInstances' parameters into what the simulated cloud makes.
func (c *call) server(in runInstances) (simcloud.ServerInput, error) {
	f, err := c.flavor(in.InstanceType)
	if err != nil {
		return simcloud.ServerInput{}, err
	}
	image, err := bare(in.ImageId, "img-", "InvalidImageId.Malformed")
	if err != nil {
		return simcloud.ServerInput{}, err
	}
	n, err := months(in.InstanceChargeType, in.InstanceChargePrepaid)
	if err != nil {
		return simcloud.ServerInput{}, err
	}
	kind := "standard"
	if in.SystemDisk.DiskType != "" {
		if kind = diskTypes()[in.SystemDisk.DiskType]; kind == "" {
			return simcloud.ServerInput{}, refuse("InvalidParameterValue", "no disk type %s", in.SystemDisk.DiskType)
		}
	}
	s := simcloud.ServerInput{FlavorID: f.ID, UserData: in.UserData, Purchase: simcloud.Purchase{Months: n},
		Object: simcloud.Object{Owner: c.owner, Zone: in.Placement.Zone, Name: in.InstanceName},
		Disks:  []simcloud.Disk{{SizeGiB: in.SystemDisk.DiskSize, Type: kind, ImageID: image, Owned: true}}}
	for _, g := range in.SecurityGroupIds {
		id, err := bare(g, "sg-", "InvalidSecurityGroupId.NotFound")
		if err != nil {
			return s, err
		}
		s.GroupIDs = append(s.GroupIDs, id)
	}
	for _, t := range in.TagSpecification {
		if t.ResourceType == "instance" {
			s.Meta = meta(t.Tags)
		}
	}
	return s, nil
}

func (c *call) runInstances(in runInstances) (object, error) {
	if in.InstanceCount > 1 || strings.ContainsAny(in.InstanceName, "{}") || in.LoginSettings != nil && len(in.LoginSettings.Password) < 8 {
		return nil, refuse("InvalidParameterValue", "one instance, a plain name and a password of 8 characters at least")
	}
	s, err := c.server(in)
	if err != nil {
		return nil, err
	}
	subnet, err := bare(in.VirtualPrivateCloud.SubnetId, "subnet-", "InvalidParameterValue.SubnetIdMalformed")
	if err != nil {
		return nil, err
	}
	s.Nics = []simcloud.Nic{{SubnetID: subnet}}
	made, err := c.sim.CreateServer(s)
	if err != nil {
		return nil, cvmWords(err)
	}
	return object{"InstanceIdSet": []string{"ins-" + made.ID}}, nil
}

func (c *call) priceInstances(in runInstances) (object, error) {
	s, err := c.server(in)
	if err != nil {
		return nil, err
	}
	f, err := c.flavor(in.InstanceType)
	if err != nil {
		return nil, err
	}
	sum := simcloud.PriceOf(c.sim, &simcloud.Server{FlavorID: f.ID, Size: simcloud.Size{VCPU: f.VCPU, RAMMiB: f.RAMMiB}}, s.Months)
	sum = sum.Plus(simcloud.PriceOf(c.sim, &simcloud.Volume{Type: s.Disks[0].Type, SizeGiB: s.Disks[0].SizeGiB}, s.Months))
	return object{"Price": object{"InstancePrice": price(sum, s.Months)}}, nil
}

// ids are the parameters of actions on instances.
type ids struct {
	InstanceIds []string `need:""`
}

// instance reads the one instance an action is about.
func (c *call) instance(all []string) (*simcloud.Server, error) {
	if len(all) != 1 {
		return nil, refuse("InvalidParameterValue.LimitExceeded", "one instance at a time")
	}
	id, err := bare(all[0], "ins-", "InvalidInstanceId.Malformed")
	if err != nil {
		return nil, err
	}
	s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, id)
	return s, cvmWords(err)
}

func (c *call) startInstances(in ids) (object, error) {
	s, err := c.instance(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	if s.State != simcloud.Stopped {
		return nil, refuse("UnsupportedOperation.InstanceState"+instanceState(s), "the instance is %s", s.State)
	}
	_, err = c.sim.StartServer(c.owner, s.ID)
	return object{}, cvmWords(err)
}

func (c *call) stopInstances(in struct {
	InstanceIds []string `need:""`
	StopType    string
}) (object, error) {
	s, err := c.instance(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	if s.State != simcloud.Active {
		return nil, refuse("UnsupportedOperation.InstanceState"+instanceState(s), "the instance is %s", s.State)
	}
	_, err = c.sim.StopServer(c.owner, s.ID)
	return object{}, cvmWords(err)
}

func (c *call) resetType(in struct {
	InstanceIds  []string `need:""`
	InstanceType string   `need:""`
	ForceStop    bool
}) (object, error) {
	s, err := c.instance(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	f, err := c.flavor(in.InstanceType)
	if err != nil {
		return nil, err
	}
	if s.State == simcloud.Active && !in.ForceStop {
		return nil, refuse("UnsupportedOperation.InstanceStateRunning", "the instance is running")
	}
	if _, err = c.sim.ResizeServer(c.owner, s.ID, f.ID); err != nil {
		return nil, cvmWords(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.boots[s.ID] = true
	return object{}, nil
}

// tend does what CVM does after a resize by itself: it keeps the new size, and starts the instance.
func (c *call) tend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.boots {
		s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, id)
		switch {
		case err != nil || s.State == simcloud.Active || s.State == simcloud.Deleting || s.State == simcloud.Failed:
			delete(c.boots, id)
		case s.State == simcloud.Resized:
			_, _ = c.sim.ConfirmResize(c.owner, id) // refused where somebody was faster
		case s.State == simcloud.Stopped:
			_, _ = c.sim.StartServer(c.owner, id) // as above
		}
	}
}

// terminateInstances: a subscription goes into the recycle bin first.
func (c *call) terminateInstances(in ids) (object, error) {
	s, err := c.instance(in.InstanceIds)
	switch {
	case err != nil:
		return nil, err
	case s.State == simcloud.Building || s.State == simcloud.Deleting:
		return nil, refuse("UnsupportedOperation.InstanceState"+instanceState(s), "the instance is %s", s.State)
	case s.Months > 0 && s.Meta[binKey] == "":
		return object{}, bin[simcloud.Server](c, s.ID)
	}
	_, err = c.sim.DeleteServer(c.owner, s.ID)
	return object{}, cvmWords(err)
}

func (c *call) renewInstances(in struct {
	InstanceIds           []string `need:""`
	InstanceChargePrepaid *term    `need:""`
}) (object, error) {
	s, err := c.instance(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	_, err = simcloud.Renew[simcloud.Server](c.sim, c.owner, s.ID, in.InstanceChargePrepaid.Period)
	return object{}, words(err, map[simcloud.Reason]string{simcloud.Invalid: "InvalidParameterValue.InstanceChargeType"})
}

func (c *call) priceRenewal(in struct {
	InstanceIds           []string `need:""`
	InstanceChargePrepaid *term    `need:""`
}) (object, error) {
	s, err := c.instance(in.InstanceIds)
	if err != nil {
		return nil, err
	}
	n := in.InstanceChargePrepaid.Period
	return object{"Price": object{"InstancePrice": price(simcloud.PriceOf(c.sim, s, n), n)}}, nil
}

func (c *call) describeInstances(in struct {
	InstanceIds []string
	Offset      int
	Limit       int
}) (object, error) {
	c.tend()
	return listed(c, "InstanceSet", in.InstanceIds, "ins-", paging{in.Offset, in.Limit}, nil, (*call).viewInstance)
}

// instanceState as CVM names it.
func instanceState(s *simcloud.Server) string {
	if s.Meta[binKey] != "" && s.State != simcloud.Deleting {
		return "SHUTDOWN"
	}
	switch s.State {
	case simcloud.Building:
		return "PENDING"
	case simcloud.Stopping:
		return "STOPPING"
	case simcloud.Stopped:
		return "STOPPED"
	case simcloud.Starting:
		return "STARTING"
	case simcloud.Restarting:
		return "REBOOTING"
	case simcloud.Deleting:
		return "TERMINATING"
	case simcloud.Failed:
		return "LAUNCH_FAILED"
	}
	return "RUNNING"
}

func (c *call) viewInstance(s *simcloud.Server) object {
	operation := "SUCCESS"
	c.mu.Lock()
	if s.Busy() || c.boots[s.ID] {
		operation = "OPERATING"
	}
	c.mu.Unlock()
	v := object{"InstanceId": "ins-" + s.ID, "InstanceName": s.Name, "InstanceState": instanceState(s), "RestrictState": "NORMAL",
		"CPU": s.Size.VCPU, "Memory": s.Size.RAMMiB / 1024, "InstanceChargeType": "POSTPAID_BY_HOUR", "ExpiredTime": zulu(s.PaidUntil), "CreatedTime": zulu(s.Created),
		"LatestOperation": nil, "LatestOperationState": operation, "LatestOperationErrorMsg": nil, "ImageId": "img-" + s.ImageID,
		"Placement": object{"Zone": s.Zone}, "Tags": tags(s.Meta, "Key", "Value")}
	if s.Months > 0 {
		v["InstanceChargeType"] = "PREPAID"
	}
	if f, err := simcloud.Get[simcloud.Flavor](c.sim, c.owner, s.FlavorID); err == nil {
		v["InstanceType"] = f.Name
	}
	ips, groups := []string{}, []string{}
	for _, id := range s.PortIDs {
		p, err := simcloud.Get[simcloud.Port](c.sim, c.owner, id)
		if err != nil || len(p.Fixed) == 0 {
			continue
		}
		ips = append(ips, p.Fixed[0].Address)
		v["VirtualPrivateCloud"] = object{"VpcId": "vpc-" + p.NetworkID, "SubnetId": "subnet-" + p.Fixed[0].SubnetID}
		for _, g := range p.GroupIDs {
			groups = append(groups, "sg-"+g)
		}
	}
	v["PrivateIpAddresses"], v["SecurityGroupIds"] = ips, groups
	for _, a := range s.Volumes {
		if d, err := simcloud.Get[simcloud.Volume](c.sim, c.owner, a.VolumeID); err == nil && d.ImageID != "" {
			v["SystemDisk"] = object{"DiskId": "disk-" + d.ID, "DiskType": diskType(d.Type), "DiskSize": d.SizeGiB}
		}
	}
	return v
}

// filter is one of Filters.
type filter struct {
	Name   string
	Values []string
}

func picked(all []filter, name string, value string) bool {
	for _, f := range all {
		if f.Name == name && !slices.Contains(f.Values, value) {
			return false
		}
	}
	return true
}

func (c *call) describeTypes(in struct{ Filters []filter }) (object, error) {
	all, err := simcloud.List[simcloud.Flavor](c.sim, simcloud.Query{Owner: c.owner}, nil)
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, z := range c.zones(func(z string) object { return object{"z": z} }) {
		for _, charge := range []string{"POSTPAID_BY_HOUR", "PREPAID"} {
			zone, _ := z["z"].(string)
			if !picked(in.Filters, "zone", zone) || !picked(in.Filters, "instance-charge-type", charge) {
				continue
			}
			for _, f := range all {
				status := "SELL"
				if f.SoldOut {
					status = "SOLD_OUT"
				}
				out = append(out, object{"Zone": zone, "InstanceType": f.Name, "InstanceChargeType": charge, "Cpu": f.VCPU, "Memory": f.RAMMiB / 1024,
					"InstanceFamily": f.Family, "Status": status, "Gpu": 0, "Fpga": 0})
			}
		}
	}
	return object{"InstanceTypeQuotaSet": out}, nil
}

func (c *call) describeImages(in struct {
	ImageIds []string
	Filters  []filter
	Limit    int
	Offset   int
}) (object, error) {
	all, err := simcloud.List[simcloud.Image](c.sim, simcloud.Query{Owner: c.owner}, nil)
	if err != nil {
		return nil, err
	}
	out := []object{}
	for _, i := range all {
		if picked(in.Filters, "image-name", i.Name) && (len(in.ImageIds) == 0 || slices.Contains(in.ImageIds, "img-"+i.ID)) {
			out = append(out, object{"ImageId": "img-" + i.ID, "ImageName": i.Name, "ImageState": "NORMAL", "CreatedTime": zulu(i.Created), "Architecture": i.Arch})
		}
	}
	page, err := c.cut(out, paging{in.Offset, in.Limit})
	return object{"TotalCount": len(out), "ImageSet": page}, err
}

// price is what an inquiry answers: JSON numbers, written from exact text.
func price(amount interface{ String() string }, months int) object {
	n := json.Number(amount.String())
	if months > 0 {
		return object{"OriginalPrice": n, "DiscountPrice": n}
	}
	return object{"UnitPrice": n, "UnitPriceDiscount": n, "ChargeUnit": "HOUR"}
}
