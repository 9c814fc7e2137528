package openstackfake

import (
	"encoding/json"
	"slices"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func portView(_ *call, p *simcloud.Port) object {
	ips := []object{}
	for _, f := range p.Fixed {
		ips = append(ips, object{"subnet_id": f.SubnetID, "ip_address": f.Address})
	}
	status := "DOWN"
	if p.DeviceID != "" {
		status = "ACTIVE"
	}
	return common(&p.Object, object{
		"network_id": p.NetworkID, "mac_address": p.MAC, "fixed_ips": ips, "device_id": p.DeviceID, "device_owner": p.DeviceOwner,
		"security_groups": list(p.GroupIDs), "status": status, "admin_state_up": true, "allowed_address_pairs": []any{},
		"extra_dhcp_opts": []any{}, "port_security_enabled": true, "binding:vnic_type": "normal", "binding:host_id": "",
	})
}

func (s *service) ports() {
	ports := shelf[simcloud.Port]{one: "port", many: "ports", view: portView, index: map[string]func(string) string{
		"network_id": of(simcloud.KindNetwork), "device_id": of(simcloud.KindServer), "security_groups": of(simcloud.KindGroup),
	}}
	s.route("GET /ports", browse(ports))
	s.route("GET /ports/{id}", show(ports))
	s.route("POST /ports", createPort)
	s.route("PUT /ports/{id}", updatePort)
	s.route("DELETE /ports/{id}", func(c *call) (int, any, error) { return 204, nil, c.sim.DeletePort(c.owner, c.id()) })
}

type portRequest struct {
	born
	NetworkID   string     `json:"network_id"`
	MAC         string     `json:"mac_address"`
	FixedIPs    *[]fixedIP `json:"fixed_ips"`
	DeviceID    string     `json:"device_id"`
	DeviceOwner string     `json:"device_owner"`
	Groups      *[]string  `json:"security_groups"`
	Pairs       []any      `json:"allowed_address_pairs"`
	DHCP        []any      `json:"extra_dhcp_opts"`
	Security    *bool      `json:"port_security_enabled"`
	VNIC        string     `json:"binding:vnic_type"`
	Uplink      *bool      `json:"propagate_uplink_status"`
}

type fixedIP struct {
	SubnetID string `json:"subnet_id"`
	Address  string `json:"ip_address"`
}

func createPort(c *call) (int, any, error) {
	var in struct {
		Port portRequest `json:"port"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	r := in.Port
	o, err := r.object(c)
	if err != nil {
		return 0, nil, err
	}
	input := simcloud.PortInput{Object: o, NetworkID: r.NetworkID, DeviceID: r.DeviceID, DeviceOwner: r.DeviceOwner}
	if r.Groups != nil {
		input.GroupIDs, input.Open = *r.Groups, len(*r.Groups) == 0
	}
	for _, f := range orElse(r.FixedIPs, nil) {
		input.Fixed = append(input.Fixed, simcloud.FixedIP{SubnetID: f.SubnetID, Address: f.Address})
	}
	p, err := c.sim.CreatePort(input)
	if err != nil {
		return 0, nil, err
	}
	return 201, object{"port": portView(c, p)}, nil
}

func updatePort(c *call) (int, any, error) {
	var in struct {
		Port struct {
			descriptive
			Groups      *[]string       `json:"security_groups"`
			DeviceID    *string         `json:"device_id"`
			DeviceOwner *string         `json:"device_owner"`
			Pairs       json.RawMessage `json:"allowed_address_pairs"`
			Security    *bool           `json:"port_security_enabled"`
		} `json:"port"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	p, err := c.sim.EditPort(c.owner, c.id(), func(p *simcloud.Port) error {
		in.Port.apply(&p.Object)
		p.GroupIDs = slices.Clone(orElse(in.Port.Groups, p.GroupIDs))
		p.DeviceID, p.DeviceOwner = orElse(in.Port.DeviceID, p.DeviceID), orElse(in.Port.DeviceOwner, p.DeviceOwner)
		return nil
	})
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"port": portView(c, p)}, nil
}
