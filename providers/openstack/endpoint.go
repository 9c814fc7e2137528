package openstack

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gophercloud/gophercloud/v2"
	sdk "github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// Nova's microversions: 2.52 is the first that tags at boot, without which no look-up could prove absence. 2.69 is the
// first that shows servers of a cell that is down as UNKNOWN instead of leaving them out of a listing in silence.
const (
	minNova  = 52
	bestNova = 69
)

// cinderExtend is the volume API's first microversion that extends a volume in use.
const cinderExtend = "3.42"

// service names one OpenStack service: its type in the catalogue (the first that is there), and the API version its
// URLs carry where the catalogue leaves it out.
type service struct {
	types   []string
	version string
	project bool // the URL carries the project id after the version
}

// services lists what this driver speaks to. Types are those of the Service Types Authority with the aliases still met:
// Cinder's is volumev3 nearly everywhere, and a "volume" beside it may be version 2, hence its place at the end. Octavia
// answers v2 and v2.0 alike. Swift's URL ends in the account, which stands for a version.
func services() map[string]service {
	return map[string]service{
		"compute":       {types: []string{"compute"}, version: "v2.1"},
		"block-storage": {types: []string{"volumev3", "block-storage", "block-store", "volume"}, version: "v3", project: true},
		"network":       {types: []string{"network"}, version: "v2.0"},
		"image":         {types: []string{"image"}, version: "v2"},
		"load-balancer": {types: []string{"load-balancer"}, version: "v2.0"},
		"object-store":  {types: []string{"object-store"}},
	}
}

// connect makes the service clients that the catalogue, or the account's own endpoints, allow.
func (c *Cloud) connect(ctx context.Context, s *session, catalog []tokens.CatalogEntry) error {
	provider, err := sdk.NewClient(s.account.Endpoint)
	if err != nil {
		return table.Refuse(driver.Invalid, err)
	}
	provider.HTTPClient = s.client(true)
	client := func(name string) *gophercloud.ServiceClient {
		url := c.endpoint(services()[name], catalog)
		if url == "" {
			return nil
		}
		return &gophercloud.ServiceClient{ProviderClient: provider, Type: name, Endpoint: url, ResourceBase: url}
	}
	c.compute, c.volume, c.network = client("compute"), client("block-storage"), client("network")
	c.image, c.balancer, c.object = client("image"), client("load-balancer"), client("object-store")
	if c.compute == nil && c.network == nil && c.object == nil {
		return table.Refuse(driver.Invalid, duoyun.Fail(duoyun.CodeInvalid, "region", "服务目录中没有区域 %q", "the catalogue knows no region %q", c.account.Region))
	}
	if c.compute != nil {
		return c.chooseNova(ctx)
	}
	return nil
}

// endpoint finds a service's URL; an account may override it under any of the service's types.
func (c *Cloud) endpoint(s service, catalog []tokens.CatalogEntry) string {
	for _, t := range s.types {
		if url := c.account.Endpoints[t]; url != "" {
			return s.versioned(url, c.project)
		}
	}
	for _, t := range s.types {
		for _, entry := range catalog {
			if entry.Type != t {
				continue
			}
			i := slices.IndexFunc(entry.Endpoints, func(e tokens.Endpoint) bool {
				return e.Interface == "public" && (c.account.Region == "" || e.Region == c.account.Region || e.RegionID == c.account.Region)
			})
			if i >= 0 {
				return s.versioned(entry.Endpoints[i].URL, c.project)
			}
		}
	}
	return ""
}

// versioned completes a URL with the API version, and where the service wants it the project, that it lacks.
func (s service) versioned(url, project string) string {
	url = strings.NewReplacer("%(project_id)s", project, "$(project_id)s", project, "%(tenant_id)s", project, "$(tenant_id)s", project).Replace(url)
	url = strings.TrimRight(url, "/")
	if s.version == "" {
		return url + "/"
	}
	base, last := url, url[strings.LastIndexByte(url, '/')+1:]
	if last == project {
		base = strings.TrimSuffix(url, "/"+last)
		last = base[strings.LastIndexByte(base, '/')+1:]
	}
	if !isVersion(last) {
		url = base + "/" + s.version
		base = url
	}
	if s.project && !strings.HasSuffix(url, "/"+project) {
		url = base + "/" + project
	}
	return url + "/"
}

// isVersion reports whether a path segment is an API version such as v2, v2.0 or v3.
func isVersion(segment string) bool {
	_, err := strconv.ParseFloat(strings.TrimPrefix(segment, "v"), 64)
	return err == nil && strings.HasPrefix(segment, "v")
}

// chooseNova takes the best microversion the cloud speaks. A cloud that does not say is taken to speak the best.
func (c *Cloud) chooseNova(ctx context.Context) error {
	root := strings.TrimSuffix(c.compute.Endpoint, c.project+"/")
	var doc struct {
		Version struct {
			Version string `json:"version"`
		} `json:"version"`
	}
	best := bestNova
	_, err := c.compute.Get(ctx, root, &doc, &gophercloud.RequestOpts{OkCodes: []int{http.StatusOK, http.StatusMultipleChoices}})
	if minor, parsed := strconv.Atoi(strings.TrimPrefix(doc.Version.Version, "2.")); err == nil && parsed == nil {
		best = min(minor, bestNova)
	}
	var answer gophercloud.ErrUnexpectedResponseCode
	if err != nil && !errors.As(err, &answer) {
		return err
	}
	if best < minNova {
		return table.Refuse(driver.Invalid, duoyun.Fail(duoyun.CodeInvalid, "endpoint", "Nova 微版本 2.%d 低于所需的 2.%d", "Nova speaks microversion 2.%d, below the 2.%d that marks servers at boot", best, minNova))
	}
	c.compute.Microversion = "2." + strconv.Itoa(best)
	return nil
}
