# Neutron: networks. The API alone, without agents: shims/duoyun_lab/network.py binds ports and sets states as they would.

write_neutron() {
  mkdir -p "$ETC/neutron"
  {
    conf_default neutron <<END
core_plugin = ml2
service_plugins = router,qos
api_paste_config = $PKG/usr/share/neutron-common/api-paste.ini
auth_strategy = keystone
rpc_workers = 0
dhcp_agent_notification = false
# nova is told of changed addresses (floating IPs), not of plugged ports, which it does not wait for
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = true
END
    conf_database database neutron
    conf_authtoken
    conf_login nova
    cat <<END

[ml2]
type_drivers = flat,vxlan
tenant_network_types = vxlan
mechanism_drivers = duoyun_lab
extension_drivers = port_security,qos

[ml2_type_flat]
flat_networks = public

[ml2_type_vxlan]
vni_ranges = 1:4000

[quotas]
quota_network = 3000
quota_subnet = 6000
quota_port = 20000
quota_router = 1000
quota_floatingip = 2000
quota_security_group = 5000
quota_security_group_rule = 50000
END
  } >"$ETC/neutron/neutron.conf"
}

schema_neutron() {
  schema neutron run_py neutron.db.migration.cli:main --config-file "$ETC/neutron/neutron.conf" upgrade heads
}

start_neutron() {
  start_wsgi neutron $PORT_NEUTRON OS_NEUTRON_CONFIG_DIR="$ETC/neutron" OS_NEUTRON_CONFIG_FILES=neutron.conf
}
