package main

import (
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

// words says a code of the API in both languages, by the vocabulary that a column names after its path: state:order is a
// state in the words of orders. A code that a vocabulary does not know, and one without a vocabulary, is said as it is.
func words(vocabulary, code string) duoyun.Text {
	zh := chinese(vocabulary, code)
	if zh == "" {
		zh = code
	}
	if slices.Contains([]string{"item", "dimension", "driver", "spec"}, vocabulary) {
		return duoyun.Text{ZH: zh, EN: code} // a term of documents and contracts
	}
	return duoyun.Text{ZH: zh, EN: strings.ReplaceAll(code, "_", " ")}
}

func chinese(vocabulary, code string) string {
	switch vocabulary {
	case "order":
		return duoyun.OrderLifecycle().Name(duoyun.OrderState(code))
	case "task":
		return duoyun.TaskLifecycle().Name(duoyun.TaskState(code))
	case "resource":
		return duoyun.ResourceLifecycle().Name(duoyun.ResourceState(code))
	case "incident":
		return duoyun.IncidentLifecycle().Name(duoyun.IncidentState(code))
	case "statement":
		return duoyun.StatementLifecycle().Name(duoyun.StatementState(code))
	case "kind":
		return broker.KindName(duoyun.Kind(code))
	case "dimension":
		return duoyun.Dimension(code).Text().ZH
	case "item":
		return itemName(code)
	}
	return terms(vocabulary)[code]
}

// itemName says a price item or meter; that of a storage class names the class, that of a service is the service's name.
func itemName(code string) string {
	if name, ok := strings.CutPrefix(code, "service:"); ok {
		return name
	}
	for prefix, zh := range map[string]string{"disk_": "云硬盘", "bucket_": "对象存储"} {
		if class, ok := strings.CutPrefix(strings.TrimSuffix(code, "_gib"), prefix); ok {
			return zh + " " + className(class) + "（GiB）"
		}
	}
	return terms("item")[code]
}

func className(code string) string {
	if zh := terms("class")[code]; zh != "" {
		return zh
	}
	return code
}

// terms are the vocabularies that have no lifecycle of their own.
func terms(vocabulary string) map[string]string {
	switch vocabulary {
	case "finding":
		return map[string]string{"open": "待处理", "resolved": "已办结"}
	case "finding_kind":
		return broker.FindingKinds()
	case "task_kind":
		return map[string]string{"review": "技术评审", "confirm_supplier": "确认供应商", "sign": "会签", "acknowledge": "知悉核减",
			"confirm_delivery": "开通确认", "work_order": "工单"}
	case "role":
		return map[string]string{"applicant": "经办人", "approver": "审批人", "confirmer": "验收人", "reviewer": "技术评审", "procurement": "采购人员",
			"finance": "财务", "supplier": "云服务商", "auditor": "审计员", "system_admin": "系统管理员", "security_admin": "安全管理员", "audit_admin": "审计管理员"}
	case "cloud":
		return map[string]string{"not": "未上云", "migrating": "迁移中", "on": "已上云", "unsuitable": "不宜上云"}
	case "attribution":
		return map[string]string{"platform": "云平台", "carrier": "运营商", "upstream": "上级外网", "application": "应用", "department": "使用单位",
			"force_majeure": "不可抗力", "maintenance": "计划维护"}
	case "action":
		return orderActions()
	case "hold":
		return map[string]string{"contract": "合同总价", "budget": "预算", "pool": "资源池容量", "quota": "配额"}
	case "held":
		return map[string]string{"held": "冻结", "committed": "已承诺", "accrued": "已发生"}
	case "change":
		return map[string]string{"start": "启动", "stop": "停止", "resize": "变配", "grow": "扩容", "release": "注销"}
	case "supplier_class":
		return map[string]string{"telecom": "电信运营商", "it": "IT 企业", "internet": "互联网企业", "integrator": "集成商"}
	case "circuit":
		return map[string]string{"normal": "正常", "half_open": "试探", "open": "熔断"}
	case "driver":
		return map[string]string{"workorder": "工单", "openstack": "OpenStack"}
	case "per":
		return map[string]string{"hour": "每小时", "month": "每月", "once": "一次性"}
	case "class":
		return map[string]string{"ssd": "固态", "standard": "标准", "archive": "归档"}
	case "item":
		return map[string]string{"vcpu": "vCPU（核）", "ram_gib": "内存（GiB）", "system_disk_gib": "系统盘（GiB）", "load_balancer": "负载均衡",
			"address": "地址", "public_ip": "公网地址", "bandwidth_mbps": "公网带宽（Mbps）", "mysql_vcpu": "MySQL vCPU（核）",
			"mysql_ram_gib": "MySQL 内存（GiB）", "postgresql_vcpu": "PostgreSQL vCPU（核）", "postgresql_ram_gib": "PostgreSQL 内存（GiB）",
			"database_storage_gib": "数据库存储（GiB）", "cache_gib": "云缓存（GiB）"}
	case "spec": // the keys of a spec, as documents write them
		return map[string]string{"vcpu": "核数", "ram_gib": "内存 GiB", "system_disk_gib": "系统盘 GiB", "image": "镜像", "ports": "开放端口",
			"size_gib": "容量 GiB", "class": "存储类型", "count": "个数", "port": "监听端口", "member_port": "后端端口",
			"bandwidth_mbps": "带宽 Mbps", "name": "服务项", "unit": "单位", "engine": "引擎", "version": "版本",
			"storage_gib": "存储 GiB", "memory_gib": "内存 GiB", "standby": "主备"}
	}
	return nil
}

// orderActions says what is done to an order.
func orderActions() map[string]string {
	return map[string]string{
		"submit": "提交", "review": "技术评审", "recommend": "重新推荐", "offer_changed": "报价有变，重新推荐", "confirm_supplier": "确认供应商",
		"sign": "会签", "object": "对核减提出异议", "reject": "驳回", "return": "退回补正", "cancel": "撤回", "place": "落单", "hold": "挂起",
		"retry": "重试", "reselect": "改选", "deliver": "交付", "confirm_delivery": "开通确认", "object_delivery": "对开通提出异议", "reject_delivery": "不同意开通", "undo": "撤销", "undone": "撤销完毕",
		"renew": "续期", "done": "办结", "fail": "失败",
	}
}
