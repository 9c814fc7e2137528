package ctyunfake

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

func (f *Fake) account() {
	f.get("/v4/order/query-uuid", "masterOrderId!", func(c *call) (any, error) {
		o, err := mine[simcloud.Order](c, simcloud.KindOrder, c.text("masterOrderId"))
		switch {
		case err != nil:
			return nil, refuse("Ecs.Order.NotFound", "there is no such order")
		case o.State == simcloud.Active:
			return object{"orderStatus": "3", "resourceType": o.Type, "resourceUuid": o.ResourceIDs}, nil
		case o.State == simcloud.Failed:
			return object{"orderStatus": "5", "resourceType": o.Type, "resourceUuid": []string{}}, nil
		}
		return object{"orderStatus": "14", "resourceType": o.Type, "resourceUuid": []string{}}, nil
	})
	f.get("/v4/region/get-zones", "", func(c *call) (any, error) {
		zones := []object{}
		for i, z := range c.zones() {
			zones = append(zones, object{"name": z, "azDisplayName": fmt.Sprintf("可用区%d", i+1)})
		}
		return object{"zoneList": zones}, nil
	})
	f.get("/v4/region/customer-quotas", "", func(c *call) (any, error) {
		limits, _ := c.sim.Quota(c.owner)
		return object{"quotas": object{"vm_limit": limits[simcloud.ItemServers], "vcpu_limit": limits[simcloud.ItemVCPU],
			"memory_limit": limits[simcloud.ItemRAMMiB] / 1024, "volume_size_limit": limits[simcloud.ItemDiskGiB],
			"public_ip_limit": limits[simcloud.ItemFloating], "max_buckets_of_oss": limits[simcloud.ItemBuckets]}}, nil
	})
	f.post("/v4/new-order/query-price", "resourceType! count!:i onDemand!:b cycleType cycleCount:i flavorName imageUUID sysDiskType sysDiskSize:i bandwidth:i diskType diskSize:i diskMode", (*call).price)
	f.metrics()
}

func (c *call) zones() []string {
	for _, r := range c.sim.Regions() {
		if r.Name == c.owner.Region {
			return r.Zones
		}
	}
	return nil
}

// price tells what something costs, in digits that are not a float's.
func (c *call) price() (any, error) {
	months := 0
	var err error
	if !c.truth("onDemand") {
		if months, err = c.months(c.text("cycleType")); err != nil {
			return nil, err
		}
	}
	var sum duoyun.Amount
	switch c.text("resourceType") {
	case "VM":
		all, err := simcloud.List[simcloud.Flavor](c.sim, simcloud.Query{Owner: c.owner}, func(f *simcloud.Flavor) bool { return f.Name == c.text("flavorName") })
		if err != nil || len(all) != 1 || c.text("imageUUID") == "" {
			return nil, c.wrong("flavorName")
		}
		s := simcloud.Server{FlavorID: all[0].ID, Size: simcloud.Size{VCPU: all[0].VCPU, RAMMiB: all[0].RAMMiB}}
		v := simcloud.Volume{Type: diskType(c.text("sysDiskType")), SizeGiB: c.number("sysDiskSize")}
		sum = simcloud.PriceOf(c.sim, &s, months).Plus(simcloud.PriceOf(c.sim, &v, months))
	case "EBS":
		sum = simcloud.PriceOf(c.sim, &simcloud.Volume{Type: diskType(c.text("diskType")), SizeGiB: c.number("diskSize")}, months)
	case "IP":
		sum = simcloud.PriceOf(c.sim, &simcloud.FloatingIP{BandwidthMbps: c.number("bandwidth")}, months)
	default:
		return nil, c.wrong("resourceType")
	}
	digits := json.RawMessage(sum.String())
	return object{"totalPrice": digits, "discountPrice": digits, "finalPrice": digits}, nil
}

// metrics serves the measurements of servers, a sample each period.
func (f *Fake) metrics() {
	for device, items := range map[string]map[string]string{
		"cpu": {"cpu_util": simcloud.MetricCPU}, "mem": {"mem_util": simcloud.MetricMemory},
		"disk":    {"disk_read_bytes_rate": simcloud.MetricDiskRead, "disk_write_bytes_rate": simcloud.MetricDiskWrite},
		"network": {"net_in_bytes_rate": simcloud.MetricNetworkIn, "net_out_bytes_rate": simcloud.MetricNetworkOut},
	} {
		f.post("/v4/ecs/vm-"+device+"-history-metric-data", "deviceIDList!:l period!:i startTime! endTime!"+pageWords, func(c *call) (any, error) {
			from, bad := strconv.ParseInt(c.text("startTime"), 10, 64)
			to, wrong := strconv.ParseInt(c.text("endTime"), 10, 64)
			if bad != nil || wrong != nil || len(c.list("deviceIDList")) != 1 {
				return nil, c.wrong("startTime")
			}
			id, list := str(c.list("deviceIDList")[0]), object{}
			for item, name := range items {
				points, err := c.sim.Metric(c.owner, simcloud.KindServer, id, name, time.Unix(from, 0), time.Unix(to, 0), time.Duration(c.number("period"))*time.Second)
				if err != nil {
					return nil, err
				}
				samples := []object{}
				for _, p := range points {
					samples = append(samples, object{"value": strings.TrimSuffix(strconv.FormatFloat(p.Value, 'f', 2, 64), ".00"), "samplingTime": p.At.Unix()})
				}
				list[item] = samples
			}
			return object{"result": []object{{"deviceUUID": id, "itemAggregateList": list}}, "currentCount": 1, "totalCount": 1, "totalPage": 1}, nil
		})
	}
}
