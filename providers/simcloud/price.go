package simcloud

import "github.com/duoyun/duoyun"

// Meter is something that has a price: per unit and hour on demand, per unit and month as a subscription.
type Meter string

// The meters. Memory is counted in whole GiB, a begun one too.
const (
	MeterServerVCPU      Meter = "server_vcpu"          // by flavor id
	MeterServerRAM       Meter = "server_ram_gib"       // as above
	MeterVolume          Meter = "volume_gib"           // by volume type
	MeterFloatingIP      Meter = "floating_ip"          //
	MeterBandwidth       Meter = "bandwidth_mbps"       //
	MeterBalancer        Meter = "load_balancer"        //
	MeterDatabaseVCPU    Meter = "database_vcpu"        // by engine
	MeterDatabaseRAM     Meter = "database_ram_gib"     // as above
	MeterDatabaseStorage Meter = "database_storage_gib" // as above
	MeterCache           Meter = "cache_gib"            //
)

// rate is a meter's prices in yuan.
type rate struct{ Hour, Month duoyun.Price }

// defaultRates are in the range of what public clouds of this country list.
func defaultRates() map[Meter]rate {
	out := map[Meter]rate{}
	for m, text := range map[Meter][2]string{
		MeterServerVCPU: {"0.0812", "36.5"}, MeterServerRAM: {"0.0203", "9.13"},
		MeterVolume: {"0.00049", "0.35"}, MeterVolume.of("ssd"): {"0.00139", "1"},
		MeterFloatingIP: {"0.02", "9.6"}, MeterBandwidth: {"0.063", "23"}, MeterBalancer: {"0.147", "70.56"},
		MeterDatabaseVCPU: {"0.163", "73.4"}, MeterDatabaseRAM: {"0.0408", "18.35"}, MeterDatabaseStorage: {"0.00118", "0.85"},
		MeterCache: {"0.1225", "55.1"},
	} {
		out[m] = rate{duoyun.MustPrice(text[0]), duoyun.MustPrice(text[1])}
	}
	return out
}

// of names a meter's variant, which may have prices of its own.
func (m Meter) of(variant string) Meter { return m + Meter(":"+variant) }

// SetPrice prices a meter from now on, in yuan as decimal text; variant "" is every variant without prices of its own.
// Terms that were sold keep their prices, what runs on demand does not. Prices are the process's own, as capacity is.
func (c *Cloud) SetPrice(m Meter, variant, hour, month string) error {
	h, err := duoyun.ParsePrice(hour)
	if err != nil {
		return err
	}
	perMonth, err := duoyun.ParsePrice(month)
	if err != nil {
		return err
	}
	if variant != "" {
		m = m.of(variant)
	}
	c.locked(func() { c.rates = merged(c.rates, map[Meter]rate{m: {h, perMonth}}) })
	return nil
}

func (c *Cloud) rate(u Use) rate {
	if r, ok := c.rates[u.Meter.of(u.Variant)]; ok {
		return r
	}
	return c.rates[u.Meter]
}

// PriceOf is what an object costs in yuan, be it there or only asked about: an hour of it on demand where months is 0,
// the whole term of a subscription otherwise.
func PriceOf[T any, P Noun[T]](c *Cloud, obj *T, months int) (sum duoyun.Amount) {
	c.locked(func() {
		for _, u := range P(obj).uses() {
			if months == 0 {
				sum = sum.Plus(c.rate(u).Hour.Times(u.Quantity))
			} else {
				sum = sum.Plus(c.rate(u).Month.Times(u.Quantity).Times(int64(months)))
			}
		}
	})
	return sum
}

// gib is memory in GiB, a begun one whole.
func gib(mib int64) int64 { return (mib + 1023) / 1024 }
