package document

// The values of the enumerations, by code, with every Chinese name that is accepted; the first is the one shown.

func formNames() []names {
	return []names{{"open", []string{"新申请"}}, {"change", []string{"变更"}}, {"renew", []string{"续期"}}, {"release", []string{"注销"}}}
}

func stageNames() []names {
	return []names{{"production", []string{"生产"}}, {"test", []string{"测试"}}, {"dr", []string{"灾备"}}}
}

func renewNames() []names {
	return []names{{"ask", []string{"到期询问", "询问"}}, {"no", []string{"不续期"}}}
}

func fundingNames() []names {
	return []names{{"hold", []string{"冻结"}}, {"intent", []string{"意向", "跨年意向"}}}
}

func shortageNames() []names {
	return []names{{"hold", []string{"挂起"}}, {"partial", []string{"部分开通"}}, {"undo", []string{"撤销"}}}
}

func kindNames() []names {
	return []names{
		{"server", []string{"云主机"}},
		{"disk", []string{"云硬盘"}},
		{"network", []string{"网络"}}, // refused by Check, with what to ask for instead
		{"address", []string{"地址"}},
		{"load_balancer", []string{"负载均衡"}},
		{"public_ip", []string{"公网地址"}},
		{"bucket", []string{"对象存储桶", "对象存储"}},
		{"database", []string{"云数据库", "数据库"}},
		{"cache", []string{"云缓存", "缓存"}},
		{"service", []string{"人工服务", "服务"}},
	}
}

func zoneNames() []names {
	return []names{
		{"extranet_public", []string{"公用网络区"}},
		{"extranet_private", []string{"专用网络区"}},
		{"internet_access", []string{"互联网接入区"}},
	}
}

func perNames() []names { return []names{{"each", []string{"每个", "每台"}}} }

func loginNames() []names {
	return []names{{"key", []string{"密钥"}}, {"secret", []string{"一次性口令"}}}
}

func actionNames() []names {
	return []names{
		{"start", []string{"启动"}}, {"stop", []string{"停止"}}, {"resize", []string{"变配"}},
		{"grow", []string{"扩容"}}, {"release", []string{"释放", "注销"}},
	}
}

func cpuNames() []names {
	return []names{
		{"kunpeng", []string{"鲲鹏"}}, {"hygon", []string{"海光"}}, {"phytium", []string{"飞腾"}},
		{"loongson", []string{"龙芯"}}, {"zhaoxin", []string{"兆芯"}}, {"sunway", []string{"申威"}},
	}
}

// systemNames are the common operating systems; others are written by their code.
func systemNames() []names {
	return []names{
		{"kylin-v10", []string{"银河麒麟V10", "麒麟V10"}},
		{"uos-20", []string{"统信UOS20", "统信20"}},
		{"openeuler-22.03", []string{"欧拉22.03"}},
	}
}

func engineNames() []names {
	return []names{{"mysql", []string{"MySQL"}}, {"postgresql", []string{"PostgreSQL", "postgres"}}}
}

func classNames() []names {
	return []names{{"ssd", []string{"固态", "SSD"}}, {"standard", []string{"标准"}}, {"archive", []string{"归档"}}}
}
