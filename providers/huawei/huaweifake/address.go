package huaweifake

import (
	"github.com/duoyun/duoyun/providers/simcloud"
)

func (f *Fake) addresses() {
	s := f.vpcService(plain)
	s.missing, s.conflict = "VPC.0504", "VPC.0510"
	s.route("POST /v1/{project}/publicips", createPublicIP)
	s.route("POST /v2.0/{project}/publicips", createPublicIP)
	s.route("GET /v1/{project}/publicips", listPublicIPs)
	s.route("GET /v1/{project}/publicips/{id}", showPublicIP)
	s.route("PUT /v1/{project}/publicips/{id}", bindPublicIP)
	s.route("DELETE /v1/{project}/publicips/{id}", deletePublicIP)
}

// createPublicIP allocates an IP: v1 on demand, v2.0 by an order as well.
func createPublicIP(c *call) (int, any, error) {
	var in struct {
		PublicIP  struct{ Type, Alias string } `json:"publicip"`
		Bandwidth struct {
			Name  string
			Share string `json:"share_type"`
			Mode  string `json:"charge_mode"`
			Size  int64
		}
		Extend struct {
			Mode  string `json:"charge_mode"`
			Unit  string `json:"period_type"`
			N     int    `json:"period_num"`
			Renew bool   `json:"is_auto_renew"`
			Pay   bool   `json:"is_auto_pay"`
		} `json:"extendParam"`
		Enterprise string `json:"enterprise_project_id"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if err := c.need("publicip.type", in.PublicIP.Type, "bandwidth.name", in.Bandwidth.Name, "bandwidth.share_type", in.Bandwidth.Share); err != nil {
		return 0, nil, err
	}
	if in.Bandwidth.Size < 1 || in.Bandwidth.Size > 2000 || in.Extend.Renew {
		return 0, nil, c.invalid("bandwidth.size must be 1 to 2000")
	}
	bought, err := c.term(in.Extend.Mode, in.Extend.Unit, in.Extend.N)
	if err != nil {
		return 0, nil, err
	}
	ip, err := c.sim.AllocateFloatingIP(simcloud.FloatingInput{Object: simcloud.Object{Owner: c.owner, Name: in.PublicIP.Alias, Description: in.Bandwidth.Name,
		Meta: map[string]string{"type": in.PublicIP.Type}}, Purchase: bought, BandwidthMbps: in.Bandwidth.Size})
	if err != nil {
		return 0, nil, err
	}
	if bought.Months == 0 {
		view := publicIPView(ip)
		view["status"] = "PENDING_CREATE"
		return 200, object{"publicip": view}, nil
	}
	order, err := c.order("purchase", ip.ID)
	return 200, object{"order_id": order, "publicip_id": ip.ID}, err
}

func publicIPView(ip *simcloud.FloatingIP) object {
	v := object{"id": ip.ID, "alias": ip.Name, "type": ip.Meta["type"], "public_ip_address": ip.Address, "status": "DOWN", "tenant_id": Project,
		"bandwidth_name": ip.Description, "bandwidth_size": ip.BandwidthMbps, "bandwidth_share_type": "PER", "enterprise_project_id": "0",
		"create_time": ip.Created.UTC().Format("2006-01-02 15:04:05")}
	if ip.PortID != "" {
		v["status"], v["port_id"], v["private_ip_address"] = "ACTIVE", ip.PortID, ip.FixedIP
		if ip.TargetKind == simcloud.KindBalancer {
			v["status"] = "ELB"
		}
	}
	if ip.Months > 0 {
		v["profile"] = object{"order_id": "CS" + ip.ID[:8], "region_id": ip.Region}
	}
	return v
}

func listPublicIPs(c *call) (int, any, error) {
	views, _, err := byMarker(c, simcloud.Query{}, 2000, nil, publicIPView)
	return 200, object{"publicips": views}, err
}

func showPublicIP(c *call) (int, any, error) {
	ip, err := simcloud.Get[simcloud.FloatingIP](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"publicip": publicIPView(ip)}, nil
}

// bindPublicIP gives an IP a port; "" takes it off.
func bindPublicIP(c *call) (int, any, error) {
	var in struct {
		PublicIP struct {
			Port *string `json:"port_id"`
		} `json:"publicip"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	port := ""
	if in.PublicIP.Port != nil {
		port = *in.PublicIP.Port
	}
	ip, err := c.sim.BindFloatingIP(c.owner, c.id(), port)
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"publicip": publicIPView(ip)}, nil
}

// deletePublicIP refuses what is bound, and subscriptions, which are unsubscribed.
func deletePublicIP(c *call) (int, any, error) {
	ip, err := simcloud.Get[simcloud.FloatingIP](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	if ip.PortID != "" {
		return 0, nil, &refusal{409, "VPC.0517", "Floatingip has been associated with port, please disassociate it firstly"}
	}
	if ip.Months > 0 {
		return 0, nil, c.invalid("a public IP in yearly/monthly billing is unsubscribed")
	}
	return 204, nil, c.sim.DeleteFloatingIP(c.owner, c.id())
}
