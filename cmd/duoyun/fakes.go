package main

import (
	"net/http"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aliyun/aliyunfake"
	"github.com/duoyun/duoyun/providers/aws/awsfake"
	"github.com/duoyun/duoyun/providers/ctyun/ctyunfake"
	"github.com/duoyun/duoyun/providers/huawei/huaweifake"
	"github.com/duoyun/duoyun/providers/openstack/openstackfake"
	"github.com/duoyun/duoyun/providers/simcloud"
	"github.com/duoyun/duoyun/providers/tencent/tencentfake"
)

// wireFake is a vendor's protocol over a simulated cloud, and what reaches it.
type wireFake struct {
	handler http.Handler
	faults  *simcloud.Faults
	owner   simcloud.Owner
	secret  string
	reach   func(url string) body // the account but its secret
}

// vendorFake makes a vendor's wire fake.
type vendorFake struct {
	regions []simcloud.Region
	over    func(*simcloud.Cloud) wireFake
}

// vendorFakes are the wire fakes by the name of the driver that is to talk to them.
func vendorFakes() map[string]vendorFake {
	return map[string]vendorFake{
		"openstack": {[]simcloud.Region{{Name: "RegionOne", Zones: []string{"nova"}}}, overOpenStack},
		"aliyun":    {[]simcloud.Region{{Name: "cn-nanjing", Zones: []string{"cn-nanjing-a", "cn-nanjing-b"}}}, overAliyun},
		"aws":       {[]simcloud.Region{{Name: "cn-northwest-1", Zones: []string{"cn-northwest-1a", "cn-northwest-1b"}}}, overAWS},
		"ctyun":     {[]simcloud.Region{{Name: "bb9fdb42056f11eda1610242ac110002", Zones: []string{"cn-jssz1A-public-ctcloud"}}}, overCtyun},
		"huawei":    {[]simcloud.Region{{Name: "cn-east-3", Zones: []string{"cn-east-3a", "cn-east-3b"}}}, overHuawei},
		"tencent":   {[]simcloud.Region{{Name: "ap-nanjing", Zones: []string{"ap-nanjing-1", "ap-nanjing-2"}}}, overTencent},
	}
}

func overOpenStack(sim *simcloud.Cloud) wireFake {
	f := openstackfake.New(sim, openstackfake.Options{})
	return wireFake{f, &f.Faults, f.Owner(openstackfake.Project), openstackfake.Password, func(url string) body {
		return body{"endpoint": url + "/identity/v3", "region": "RegionOne", "domain": openstackfake.Domain, "project": openstackfake.Project,
			"user": openstackfake.User, "mapping": body{"external_network": "external", "classes": body{"ssd": "ssd", "standard": "standard"}}}
	}}
}

func overAliyun(sim *simcloud.Cloud) wireFake {
	f := aliyunfake.New(sim, aliyunfake.Options{})
	return wireFake{f, &f.Faults, f.Owner(), aliyunfake.Secret, func(url string) body {
		return body{"endpoint": url, "endpoints": body{"oss": url}, "region": "cn-nanjing", "access_key": aliyunfake.AccessKey,
			"mapping": body{"classes": body{"ssd": "ssd", "standard": "standard", "system": "ssd"}, "zones": everyZone("cn-nanjing-b")}}
	}}
}

func overAWS(sim *simcloud.Cloud) wireFake {
	f := awsfake.New(sim, awsfake.Options{})
	return wireFake{f, &f.Faults, f.Owner(), awsfake.Secret, func(url string) body {
		return body{"endpoint": url, "region": "cn-northwest-1", "access_key": awsfake.AccessKey,
			"mapping": body{"classes": body{"ssd": "gp3", "standard": "gp3", "system": "gp3"}, "zones": everyZone("cn-northwest-1b")}}
	}}
}

func overCtyun(sim *simcloud.Cloud) wireFake {
	f := ctyunfake.New(sim, ctyunfake.Options{})
	return wireFake{f, &f.Faults, f.Owner(ctyunfake.AccessKey), ctyunfake.SecretKey, func(url string) body {
		return body{"endpoint": url, "region": "bb9fdb42056f11eda1610242ac110002", "access_key": ctyunfake.AccessKey,
			"mapping": body{"images": sameImages(), "classes": body{"ssd": "SSD", "standard": "SATA", "system": "SSD"}, "zones": everyZone("cn-jssz1A-public-ctcloud")}}
	}}
}

func overHuawei(sim *simcloud.Cloud) wireFake {
	f := huaweifake.New(sim, huaweifake.Options{})
	return wireFake{f, &f.Faults, f.Owner(), huaweifake.SecretKey, func(url string) body {
		return body{"endpoint": url, "region": "cn-east-3", "project": huaweifake.Project, "access_key": huaweifake.AccessKey,
			"mapping": body{"classes": body{"ssd": "SSD", "standard": "SAS"}, "zones": everyZone("cn-east-3b")}}
	}}
}

func overTencent(sim *simcloud.Cloud) wireFake {
	f := tencentfake.New(sim, tencentfake.Options{})
	return wireFake{f, &f.Faults, f.Owner(), tencentfake.SecretKey, func(url string) body {
		return body{"endpoint": url, "region": "ap-nanjing", "access_key": tencentfake.SecretID,
			"mapping": body{"classes": body{"ssd": "CLOUD_SSD", "standard": "CLOUD_PREMIUM"}, "zones": everyZone("ap-nanjing-1"), "families": []string{"s1", "s2", "s4"}}}
	}}
}

// sameImages maps every image to itself, for the vendor that takes none unmapped.
func sameImages() body {
	all := body{}
	for _, name := range []string{"kylin-v10", "openeuler-22.03", "uos-20", "ubuntu-22.04", "debian-12"} {
		all[name] = name
	}
	return all
}

// everyZone puts every network zone into one of the vendor's.
func everyZone(zone string) body {
	all := body{}
	for _, z := range duoyun.Zones() {
		all[z] = zone
	}
	return all
}
