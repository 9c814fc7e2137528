// Package all is the only list of vendors: a new vendor is its folder and one line here.
package all

import (
	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aliyun"
	"github.com/duoyun/duoyun/providers/aws"
	"github.com/duoyun/duoyun/providers/ctyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/huawei"
	"github.com/duoyun/duoyun/providers/openstack"
	"github.com/duoyun/duoyun/providers/tencent"
	"github.com/duoyun/duoyun/providers/workorder"
)

// Drivers returns the drivers by the name that pools give. Work orders are kept in orders; now is the real clock.
func Drivers(orders workorder.Store, now duoyun.Clock) map[string]driver.Opener {
	return map[string]driver.Opener{
		"aliyun":    aliyun.Open,
		"aws":       aws.Open,
		"ctyun":     ctyun.Open,
		"huawei":    huawei.Open,
		"openstack": openstack.Open,
		"tencent":   tencent.Open,
		"workorder": workorder.Opener(orders, now),
	}
}
