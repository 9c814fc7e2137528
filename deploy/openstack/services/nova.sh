# Nova: servers. One host with the fake virt driver (shims/duoyun_lab/virt.py): all states, databases and API calls are
# nova's own, only the guest is missing.

write_nova() {
  mkdir -p "$ETC/nova"
  {
    conf_default nova <<END
my_ip = 127.0.0.1
host = compute1
compute_driver = duoyun_lab.LabDriver
allow_resize_to_same_host = true
enabled_apis = osapi_compute
osapi_compute_listen = 127.0.0.1
osapi_compute_listen_port = $PORT_NOVA
osapi_compute_workers = 1
# nothing changes behind nova's back here: no idle polling
sync_power_state_interval = -1
heal_instance_info_cache_interval = -1
# no agent plugs anything, so no event is waited for
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
block_device_allocate_retries_interval = 1

[wsgi]
api_paste_config = $PKG/usr/share/nova-common/api-paste.ini

[conductor]
workers = 1

[scheduler]
workers = 1

[glance]
api_servers = http://127.0.0.1:$PORT_GLANCE

[quota]
instances = 5000
cores = 40000
ram = 167772160
server_groups = 1000
key_pairs = 1000
END
    conf_database api_database nova_api
    conf_database database nova
    conf_authtoken
    conf_login placement
    conf_login neutron
    conf_login cinder
    conf_login service_user
    echo 'send_service_user_token = true'
  } >"$ETC/nova/nova.conf"
}

schema_nova() {
  schema nova "${LAB_ENV[@]}" "$PY" "$HERE/shims/nova_schema.py" --config-file "$ETC/nova/nova.conf"
}

# A new host is used only after it has been mapped to its cell.
map_nova_hosts() {
  schema nova-hosts run_py nova.cmd.manage:main --config-file "$ETC/nova/nova.conf" cell_v2 discover_hosts
}

start_nova() {
  local conf=(--config-file "$ETC/nova/nova.conf")
  start_py nova-conductor nova.cmd.conductor:main "${conf[@]}"
  start_py nova-api nova.cmd.api_os_compute:main "${conf[@]}"
  start_py nova-scheduler nova.cmd.scheduler:main "${conf[@]}"
}

# Begins by reporting to placement, which must be there.
start_nova_compute() {
  start nova-compute "$PY" "$HERE/shims/nova_compute.py" --config-file "$ETC/nova/nova.conf"
}
