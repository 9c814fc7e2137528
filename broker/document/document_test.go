package document_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker/document"
)

// example is the document of the reference page.
const example = `form: open                 # 单据类型
agency: suqian/hrss        # 使用单位
payer: suqian/data         # 付费单位
project: SQ-2026-017       # 立项
system: hrss-core          # 信息系统
stage: production          # 环境
purpose: 社保核心业务扩容    # 申请事由
period: {start: 2026-12-01, months: 12, renew: ask}   # 使用期限
funding:                   # 资金
  - {year: 2026, item: 信息系统运行维护费, limit: "7200.00"}
  - {year: 2027, item: 信息系统运行维护费, limit: "79200.00", status: intent}
lines:
  - {kind: server, name: app, quantity: 3, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}, login: key}
  - {kind: disk, name: data, attach: app, per: each, spec: {size_gib: 500, class: ssd}}
  - {kind: load_balancer, name: entry, members: app, spec: {port: 443}}
  - {kind: bucket, name: archive, spec: {size_gib: 2048, class: standard}}
  - {kind: address, name: vip, zone: extranet_public, spec: {count: 1}}
  - {kind: service, name: mig, item: 迁移服务, quantity: 10, unit: 人天}
requires:
  sites: [suqian]
  xinchuang: {required: true, cpu: [kunpeng, hygon], os: [kylin-v10]}
  same_supplier: true
  on_shortage: hold
supplier_wish: {use: telecom-suqian, reason: 与现有系统同云}
attachments: []
`

func TestTheExampleIsRead(t *testing.T) {
	t.Parallel()
	req, err := document.Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + string(document.Marshal(req)))
}

var _ = reflect.DeepEqual
var _ = json.Marshal
var _ = errors.As
var _ = strings.Contains
var _ duoyun.Fault
