package openstackfake

import (
	"crypto/md5" // the fingerprint that Nova shows is an MD5
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func itoa(n int) string { return strconv.Itoa(n) }

// computeCatalogue are flavors, key pairs and zones.
func (s *service) computeCatalogue() {
	s.route("GET /flavors", func(c *call) (int, any, error) { return listFlavors(c, false) })
	s.route("GET /flavors/detail", func(c *call) (int, any, error) { return listFlavors(c, true) })
	s.route("GET /flavors/{id}", func(c *call) (int, any, error) {
		f, err := simcloud.Get[simcloud.Flavor](c.sim, c.owner, c.id())
		if err != nil {
			return 0, nil, err
		}
		return 200, object{"flavor": flavorView(c, f, true)}, nil
	})
	s.route("GET /flavors/{id}/os-extra_specs", func(*call) (int, any, error) { return 200, object{"extra_specs": object{}}, nil })
	s.route("GET /os-availability-zone", func(c *call) (int, any, error) {
		out := []any{}
		for _, z := range c.zones() {
			out = append(out, object{"zoneName": z, "zoneState": object{"available": true}, "hosts": nil})
		}
		return 200, object{"availabilityZoneInfo": out}, nil
	})
	s.route("GET /os-keypairs", listKeyPairs)
	s.route("POST /os-keypairs", createKeyPair)
	s.route("GET /os-keypairs/{id}", func(c *call) (int, any, error) {
		k, err := c.keyPair(c.id())
		if err != nil {
			return 0, nil, err
		}
		return 200, object{"keypair": keyPairView(k)}, nil
	})
	s.route("DELETE /os-keypairs/{id}", func(c *call) (int, any, error) {
		k, err := c.keyPair(c.id())
		if err != nil {
			return 0, nil, err
		}
		if c.minor < 2 {
			return 202, nil, c.sim.DeleteKeyPair(c.owner, k.ID)
		}
		return 204, nil, c.sim.DeleteKeyPair(c.owner, k.ID)
	})
}

// zones are those of the region the call is for.
func (c *call) zones() []string {
	for _, r := range c.sim.Regions() {
		if r.Name == c.owner.Region {
			return r.Zones
		}
	}
	return nil
}

func flavorView(c *call, f *simcloud.Flavor, detail bool) object {
	v := object{"id": f.ID, "name": f.Name, "links": c.links("flavors", f.ID)}
	if !detail {
		return v
	}
	v["vcpus"], v["ram"], v["disk"] = f.VCPU, f.RAMMiB, f.DiskGiB
	v["swap"], v["rxtx_factor"], v["OS-FLV-EXT-DATA:ephemeral"] = "", 1.0, 0
	v["os-flavor-access:is_public"], v["OS-FLV-DISABLED:disabled"] = true, false
	if c.minor >= 55 {
		v["description"] = orNull(f.Description)
	}
	if c.minor >= 61 {
		v["extra_specs"] = object{}
	}
	if c.minor >= 75 {
		v["swap"] = 0
	}
	return v
}

func listFlavors(c *call, detail bool) (int, any, error) {
	limit, err := c.limit(c.options.MaxPage)
	if err != nil {
		return 0, nil, err
	}
	minRAM, _ := strconv.ParseInt(c.query("minRam"), 10, 64)
	minDisk, _ := strconv.ParseInt(c.query("minDisk"), 10, 64)
	found, err := simcloud.List(c.sim, simcloud.Query{Owner: c.owner, After: c.query("marker"), Limit: limit}, func(f *simcloud.Flavor) bool {
		return f.RAMMiB >= minRAM && f.DiskGiB >= minDisk
	})
	if err != nil {
		return 0, nil, badRequest("marker [%s] not found", c.query("marker"))
	}
	views := make([]any, len(found))
	for i, f := range found {
		views[i] = flavorView(c, f, detail)
	}
	body := object{"flavors": views}
	if len(found) == limit {
		body["flavors_links"] = []any{c.nextLink(found[limit-1].ID)}
	}
	return 200, body, nil
}

// keyPair finds a key pair by its name, which is its id to Nova.
func (c *call) keyPair(name string) (*simcloud.KeyPair, error) {
	found, err := simcloud.List[simcloud.KeyPair](c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Named(name)}, Limit: 1}, nil)
	if err == nil && len(found) == 0 {
		err = refuse(404, "Keypair %s not found for user %s", name, c.userID())
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func keyPairView(k *simcloud.KeyPair) object {
	return object{"name": k.Name, "type": "ssh", "public_key": k.PublicKey, "fingerprint": fingerprint(k.PublicKey), "user_id": k.Tenant}
}

func fingerprint(publicKey string) string {
	parts := append(strings.Fields(publicKey), "", "")
	raw, err := base64.StdEncoding.DecodeString(parts[1])
	if err != nil {
		raw = []byte(publicKey)
	}
	return strings.ReplaceAll(fmt.Sprintf("% x", md5.Sum(raw)), " ", ":") // see the import
}

func listKeyPairs(c *call) (int, any, error) {
	found, err := simcloud.List[simcloud.KeyPair](c.sim, simcloud.Query{Owner: c.owner}, nil)
	if err != nil {
		return 0, nil, err
	}
	out := []any{}
	for _, k := range found {
		out = append(out, object{"keypair": keyPairView(k)})
	}
	return 200, object{"keypairs": out}, nil
}

func createKeyPair(c *call) (int, any, error) {
	var in struct {
		KeyPair struct {
			Name      string `json:"name"`
			PublicKey string `json:"public_key"`
			Type      string `json:"type"`
			UserID    string `json:"user_id"`
		} `json:"keypair"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if len(strings.Fields(in.KeyPair.PublicKey)) < 2 {
		return 0, nil, badRequest("Keypair data is invalid: failed to generate fingerprint")
	}
	k, err := c.sim.CreateKeyPair(c.owner, in.KeyPair.Name, in.KeyPair.PublicKey)
	if e := cause(err); e.Reason == simcloud.Exists {
		err = refuse(http.StatusConflict, "Key pair '%s' already exists.", in.KeyPair.Name)
	}
	if err != nil {
		return 0, nil, err
	}
	status := 201
	if c.minor < 2 {
		status = 200
	}
	return status, object{"keypair": keyPairView(k)}, nil
}
