package openstackfake

import (
	"encoding/json"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

type serverRequest struct {
	Name             string              `json:"name"`
	ImageRef         string              `json:"imageRef"`
	FlavorRef        json.RawMessage     `json:"flavorRef"` // a string or a number
	Metadata         map[string]string   `json:"metadata"`
	AdminPass        string              `json:"adminPass"`
	AvailabilityZone string              `json:"availability_zone"`
	ConfigDrive      any                 `json:"config_drive"`
	DiskConfig       string              `json:"OS-DCF:diskConfig"`
	KeyName          string              `json:"key_name"`
	UserData         string              `json:"user_data"`
	MinCount         *int                `json:"min_count"`
	MaxCount         *int                `json:"max_count"`
	Networks         json.RawMessage     `json:"networks"`
	SecurityGroups   []map[string]string `json:"security_groups"`
	BlockDevices     []blockDevice       `json:"block_device_mapping_v2"`
	ReservationID    bool                `json:"return_reservation_id"`
	AccessIPv4       string              `json:"accessIPv4"`
	AccessIPv6       string              `json:"accessIPv6"`
	Description      *string             `json:"description"` // since 2.19
	Tags             *[]string           `json:"tags"`        // since 2.52
	Hostname         *string             `json:"hostname"`    // since 2.90
	Host             string              `json:"host"`
	TrustedCerts     []string            `json:"trusted_image_certificates"` // since 2.63
}

type blockDevice struct {
	SourceType          string  `json:"source_type"`
	DestinationType     string  `json:"destination_type"`
	UUID                string  `json:"uuid"`
	BootIndex           any     `json:"boot_index"`
	VolumeSize          int64   `json:"volume_size"`
	VolumeType          *string `json:"volume_type"` // since 2.67
	DeleteOnTermination bool    `json:"delete_on_termination"`
	DeviceName          string  `json:"device_name"`
	DeviceType          string  `json:"device_type"`
	DiskBus             string  `json:"disk_bus"`
	GuestFormat         string  `json:"guest_format"`
	NoDevice            bool    `json:"no_device"`
	Tag                 string  `json:"tag"`
}

type nicRequest struct {
	UUID    string `json:"uuid"`
	Port    string `json:"port"`
	FixedIP string `json:"fixed_ip"`
	Tag     string `json:"tag"`
}

func createServer(c *call) (int, any, error) {
	var in struct {
		Server serverRequest  `json:"server"`
		Hints  map[string]any `json:"os:scheduler_hints"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if err := checkServer(c, &in.Server); err != nil {
		return 0, nil, err
	}
	input, err := serverInput(c, &in.Server)
	if err != nil {
		return 0, nil, err
	}
	count := 1
	if in.Server.MinCount != nil {
		count = *in.Server.MinCount
	}
	if in.Server.MaxCount != nil {
		count = max(count, *in.Server.MaxCount)
	}
	first, err := createServers(c, input, count)
	if err != nil {
		return 0, nil, asInput(err)
	}
	c.header.Set("Location", c.self()+"/"+first.ID)
	return 202, object{"server": object{
		"id": first.ID, "links": c.links("servers", first.ID), "OS-DCF:diskConfig": "MANUAL",
		"adminPass": randomID()[:12], "security_groups": list(in.Server.SecurityGroups),
	}}, nil
}

// createServers makes several servers of one request, numbered as Nova numbers them.
func createServers(c *call, in simcloud.ServerInput, count int) (*simcloud.Server, error) {
	var first *simcloud.Server
	for i := range count {
		one := in
		if count > 1 {
			one.Name += "-" + itoa(i+1)
		}
		s, err := c.sim.CreateServer(one)
		if err != nil {
			return nil, err
		}
		if first == nil {
			first = s
		}
	}
	return first, nil
}

// asInput makes a thing that a request refers to and that is not there the request's fault: Nova answers 400, not 404.
func asInput(err error) error {
	e := cause(err)
	if e.Reason != simcloud.Missing {
		return err
	}
	if e.Kind == simcloud.KindImage {
		return badRequest("Can not find requested image")
	}
	return badRequest("%s %s could not be found.", novaNoun(e.Kind), e.ID)
}

// checkServer applies the schema of the microversion asked for.
func checkServer(c *call, in *serverRequest) error {
	for _, f := range []struct {
		name  string
		given bool
		since int
	}{
		{"description", in.Description != nil, 19}, {"tags", in.Tags != nil, 52}, {"hostname", in.Hostname != nil, 90},
		{"trusted_image_certificates", in.TrustedCerts != nil, 63},
	} {
		if f.given && c.minor < f.since {
			return unexpected(f.name)
		}
	}
	if in.Name == "" || len([]rune(in.Name)) > 255 {
		return badRequest("Invalid input for field/attribute name. Value: %s. '%s' is too short or too long", in.Name, in.Name)
	}
	if len(in.FlavorRef) == 0 {
		return badRequest("Invalid input for field/attribute server. 'flavorRef' is a required property")
	}
	if c.minor >= 37 && len(in.Networks) == 0 {
		return badRequest("Invalid input for field/attribute server. 'networks' is a required property")
	}
	for _, d := range in.BlockDevices {
		if d.VolumeType != nil && c.minor < 67 {
			return unexpected("volume_type")
		}
	}
	if in.ImageRef == "" && len(in.BlockDevices) == 0 {
		return badRequest("Invalid imageRef provided.")
	}
	if in.Tags != nil {
		if err := checkTags(*in.Tags); err != nil {
			return err
		}
	}
	return checkMetadata(in.Metadata)
}

// checkTags applies Nova's rules: at most 50 tags of at most 60 characters without / and comma.
func checkTags(tags []string) error {
	if len(tags) > 50 {
		return badRequest("The number of tags exceeded the per-server limit 50")
	}
	for _, t := range tags {
		if t == "" || len([]rune(t)) > 60 {
			return badRequest("Invalid input for field/attribute tags. Value: %s. '%s' is too long", t, t)
		}
		if strings.ContainsAny(t, "/,") {
			return badRequest("Invalid input for field/attribute tags. Value: %s. '%s' does not match '^[^,/]*$'", t, t)
		}
	}
	return nil
}

func checkMetadata(m map[string]string) error {
	if len(m) > 128 {
		return refuse(403, "Maximum number of metadata items exceeds 128")
	}
	for k, v := range m {
		if k == "" || len(k) > 255 || len([]rune(v)) > 255 {
			return badRequest("Invalid input for field/attribute %s. Value: %s. '%s' is too long", k, v, v)
		}
	}
	return nil
}

func serverInput(c *call, in *serverRequest) (simcloud.ServerInput, error) {
	out := simcloud.ServerInput{
		Object:   simcloud.Object{Owner: c.owner, Zone: in.AvailabilityZone, Name: in.Name, Meta: in.Metadata},
		FlavorID: strings.Trim(string(in.FlavorRef), `"`), ImageID: in.ImageRef, KeyName: in.KeyName, UserData: in.UserData, Late: true,
	}
	if in.Description != nil {
		out.Description = *in.Description
	}
	if in.Tags != nil {
		out.Tags = *in.Tags
	}
	if in.KeyName != "" {
		if _, err := c.keyPair(in.KeyName); err != nil {
			return out, badRequest("Invalid key_name provided.")
		}
	}
	var err error
	if out.Nics, err = nics(c, in.Networks); err != nil {
		return out, err
	}
	for _, g := range in.SecurityGroups {
		id, err := c.groupID(g["name"])
		if err != nil {
			return out, err
		}
		out.GroupIDs = append(out.GroupIDs, id)
	}
	return out, disks(in, &out)
}

// disks reads the block devices; an image that stays local is the server's own image.
func disks(in *serverRequest, out *simcloud.ServerInput) error {
	for _, d := range in.BlockDevices {
		disk := simcloud.Disk{SizeGiB: d.VolumeSize, Owned: d.DeleteOnTermination}
		if d.VolumeType != nil {
			disk.Type = *d.VolumeType
		}
		switch {
		case d.SourceType == "image" && d.DestinationType == "local":
			out.ImageID = d.UUID
			continue
		case d.SourceType == "volume":
			disk.VolumeID = d.UUID
		case d.SourceType == "image" && d.DestinationType == "volume":
			disk.ImageID = d.UUID
		case d.SourceType == "blank" && d.DestinationType == "volume":
		default:
			return badRequest("Block Device Mapping is Invalid: source %q, destination %q", d.SourceType, d.DestinationType)
		}
		if disk.VolumeID == "" && disk.SizeGiB <= 0 {
			return badRequest("Block Device Mapping is Invalid: You specified more local devices than the limit allows or no volume_size")
		}
		out.Disks = append(out.Disks, disk)
	}
	return nil
}

// nics reads networks: a list, "auto" or "none". Without them Nova takes the only network there is.
func nics(c *call, raw json.RawMessage) ([]simcloud.Nic, error) {
	switch string(raw) {
	case `"none"`:
		return nil, nil
	case `"auto"`, "":
		return onlyNetwork(c)
	}
	var wanted []nicRequest
	if err := strict(raw, &wanted); err != nil {
		return nil, err
	}
	if len(wanted) == 0 {
		return onlyNetwork(c)
	}
	var out []simcloud.Nic
	for _, n := range wanted {
		if n.UUID == "" && n.Port == "" {
			return nil, badRequest("Invalid input for field/attribute networks.")
		}
		if n.Port == "" {
			if _, err := simcloud.Get[simcloud.Network](c.sim, c.owner, n.UUID); err != nil {
				return nil, badRequest("Network %s could not be found.", n.UUID)
			}
		}
		out = append(out, simcloud.Nic{NetworkID: n.UUID, PortID: n.Port, Address: n.FixedIP})
	}
	return out, nil
}

func onlyNetwork(c *call) ([]simcloud.Nic, error) {
	all, err := simcloud.List(c.sim, simcloud.Query{Owner: c.owner, Own: true, Limit: 2}, func(n *simcloud.Network) bool { return !n.External })
	switch {
	case err != nil || len(all) == 0:
		return nil, err
	case len(all) > 1:
		return nil, refuse(409, "Multiple possible networks found, use a Network ID to be more specific.")
	}
	return []simcloud.Nic{{NetworkID: all[0].ID}}, nil
}

// groupID finds a security group by name or id.
func (c *call) groupID(given string) (string, error) {
	c.sim.DefaultGroup(c.owner)
	if g, err := simcloud.Get[simcloud.Group](c.sim, c.owner, given); err == nil {
		return g.ID, nil
	}
	found, err := simcloud.List[simcloud.Group](c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Named(given)}, Limit: 2}, nil)
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", badRequest("Unable to find security_group with name or id '%s'", given)
	case len(found) > 1:
		return "", refuse(409, "Multiple security_group matches found for name '%s', use an ID to be more specific.", given)
	}
	return found[0].ID, nil
}
