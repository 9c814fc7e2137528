package tencentfake

import (
	"github.com/duoyun/duoyun/providers/simcloud"
)

func cbsActions() map[string]action {
	return map[string]action{
		"cbs/CreateDisks":             on((*call).createDisks),
		"cbs/DescribeDisks":           on((*call).describeDisks),
		"cbs/AttachDisks":             on((*call).attachDisks),
		"cbs/DetachDisks":             on((*call).detachDisks),
		"cbs/ResizeDisk":              on((*call).resizeDisk),
		"cbs/TerminateDisks":          on((*call).terminateDisks),
		"cbs/RenewDisk":               on((*call).renewDisk),
		"cbs/InquiryPriceCreateDisks": on((*call).priceDisks),
		"cbs/InquiryPriceRenewDisks":  on((*call).priceDiskRenewal),
		"cbs/DescribeDiskConfigQuota": on(func(_ *call, _ struct {
			InquiryType    string `need:""`
			DiskChargeType string
		}) (object, error) {
			out := []object{}
			for name := range diskTypes() {
				out = append(out, object{"DiskType": name, "Available": true})
			}
			return object{"DiskConfigSet": out}, nil
		}),
	}
}

func cbsWords(err error) error {
	return words(err, map[simcloud.Reason]string{simcloud.Missing: "InvalidDiskId.NotFound", simcloud.Busy: "ResourceBusy", simcloud.Invalid: "InvalidParameterValue"})
}

func (c *call) createDisks(in struct {
	Placement         placement `need:""`
	DiskChargeType    string    `need:""`
	DiskType          string    `need:""`
	DiskSize          int64     `need:""`
	DiskName          string
	DiskCount         int
	DiskChargePrepaid *term
	ClientToken       string
	Tags              []tag
}) (object, error) {
	n, err := months(in.DiskChargeType, in.DiskChargePrepaid)
	if err != nil {
		return nil, err
	}
	kind := diskTypes()[in.DiskType]
	if kind == "" || in.DiskCount > 1 {
		return nil, refuse("InvalidParameter.DiskConfigNotSupported", "one disk of a known type")
	}
	v, err := c.sim.CreateVolume(simcloud.VolumeInput{Object: simcloud.Object{Owner: c.owner, Zone: in.Placement.Zone, Name: in.DiskName, Meta: meta(in.Tags)},
		Purchase: simcloud.Purchase{Months: n}, SizeGiB: in.DiskSize, Type: kind})
	if err != nil {
		return nil, cbsWords(err)
	}
	return object{"DiskIdSet": []string{"disk-" + v.ID}}, nil
}

func (c *call) describeDisks(in struct {
	DiskIds []string
	Filters []filter
	Offset  int
	Limit   int
}) (object, error) {
	if len(in.DiskIds) > 0 && len(in.Filters) > 0 {
		return nil, refuse("InvalidParameter", "DiskIds and Filters exclude each other")
	}
	keep := func(v *simcloud.Volume) bool {
		usage := "DATA_DISK"
		if v.ImageID != "" {
			usage = "SYSTEM_DISK"
		}
		return picked(in.Filters, "disk-usage", usage)
	}
	return listed(c, "DiskSet", in.DiskIds, "disk-", paging{in.Offset, in.Limit}, keep, func(_ *call, v *simcloud.Volume) object {
		out := object{"DiskId": "disk-" + v.ID, "DiskName": v.Name, "DiskType": diskType(v.Type), "DiskSize": v.SizeGiB, "DiskState": diskState(v), "DiskChargeType": "POSTPAID_BY_HOUR",
			"DeadlineTime": beijing(v.PaidUntil), "CreateTime": beijing(v.Created), "InstanceId": "", "Placement": object{"Zone": v.Zone}, "Tags": tags(v.Meta, "Key", "Value")}
		if v.Months > 0 {
			out["DiskChargeType"] = "PREPAID"
		}
		if v.ServerID != "" {
			out["InstanceId"] = "ins-" + v.ServerID
		}
		return out
	})
}

// diskState as CBS names it. That of a disk being made is in no document.
func diskState(v *simcloud.Volume) string {
	switch {
	case v.State == simcloud.Building:
		return "CREATING"
	case v.State == simcloud.Attaching, v.State == simcloud.Detaching:
		return map[simcloud.State]string{simcloud.Attaching: "ATTACHING", simcloud.Detaching: "DETACHING"}[v.State]
	case v.State == simcloud.Extending:
		return "EXPANDING"
	case v.Meta[binKey] != "", v.State == simcloud.Deleting:
		return "TORECYCLE"
	case v.ServerID != "":
		return "ATTACHED"
	}
	return "UNATTACHED"
}

// disk reads the one disk an action is about.
func (c *call) disk(all ...string) (*simcloud.Volume, error) {
	if len(all) != 1 {
		return nil, refuse("InvalidParameterValue.LimitExceeded", "one disk at a time")
	}
	id, err := bare(all[0], "disk-", "InvalidParameterValue")
	if err != nil {
		return nil, err
	}
	v, err := simcloud.Get[simcloud.Volume](c.sim, c.owner, id)
	return v, cbsWords(err)
}

// attachment is what attaching and detaching take.
type attachment struct {
	InstanceId string
	DiskIds    []string `need:""`
}

func (c *call) attachDisks(in attachment) (object, error) {
	v, err := c.disk(in.DiskIds...)
	if err != nil {
		return nil, err
	}
	s, err := c.instance([]string{in.InstanceId})
	if err != nil {
		return nil, err
	}
	if v.ServerID != "" {
		return nil, refuse("ResourceUnavailable.Attached", "the disk is attached")
	}
	_, err = c.sim.AttachVolume(c.owner, s.ID, v.ID, "", false)
	return object{}, cbsWords(err)
}

func (c *call) detachDisks(in attachment) (object, error) {
	v, err := c.disk(in.DiskIds...)
	if err != nil {
		return nil, err
	}
	if v.ServerID == "" || v.State == simcloud.Detaching {
		return nil, refuse("ResourceBusy", "the disk is not attached")
	}
	return object{}, cbsWords(c.sim.DetachVolume(c.owner, v.ServerID, v.ID))
}

func (c *call) resizeDisk(in struct {
	DiskId   string `need:""`
	DiskSize int64  `need:""`
}) (object, error) {
	v, err := c.disk(in.DiskId)
	if err != nil {
		return nil, err
	}
	if v.State == simcloud.Extending {
		return nil, refuse("InvalidDisk.Busy", "the disk is being extended")
	}
	_, err = c.sim.ExtendVolume(c.owner, v.ID, in.DiskSize)
	return object{}, cbsWords(err)
}

func (c *call) terminateDisks(in struct {
	DiskIds []string `need:""`
}) (object, error) {
	v, err := c.disk(in.DiskIds...)
	switch {
	case err != nil:
		return nil, err
	case v.State == simcloud.Deleting:
		return nil, refuse("ResourceUnavailable.RepeatRefund", "the disk is being returned")
	case v.Months > 0 && v.Meta[binKey] == "":
		return object{}, bin[simcloud.Volume](c, v.ID)
	}
	_, err = c.sim.DeleteVolume(c.owner, v.ID)
	return object{}, cbsWords(err)
}

func (c *call) renewDisk(in struct {
	DiskId            string `need:""`
	DiskChargePrepaid *term  `need:""`
}) (object, error) {
	v, err := c.disk(in.DiskId)
	if err != nil {
		return nil, err
	}
	_, err = simcloud.Renew[simcloud.Volume](c.sim, c.owner, v.ID, in.DiskChargePrepaid.Period)
	return object{}, cbsWords(err)
}

func (c *call) priceDisks(in struct {
	DiskChargeType    string `need:""`
	DiskType          string `need:""`
	DiskSize          int64  `need:""`
	DiskCount         int
	DiskChargePrepaid *term
}) (object, error) {
	n, err := months(in.DiskChargeType, in.DiskChargePrepaid)
	if err != nil {
		return nil, err
	}
	return object{"DiskPrice": price(simcloud.PriceOf(c.sim, &simcloud.Volume{SizeGiB: in.DiskSize, Type: diskTypes()[in.DiskType]}, n), n)}, nil
}

func (c *call) priceDiskRenewal(in struct {
	DiskIds            []string `need:""`
	DiskChargePrepaids []term   `need:""`
}) (object, error) {
	v, err := c.disk(in.DiskIds...)
	if err != nil {
		return nil, err
	}
	n := in.DiskChargePrepaids[0].Period
	return object{"DiskPrice": price(simcloud.PriceOf(c.sim, v, n), n)}, nil
}
