# Octavia: load balancers. The API alone; the provider (shims/duoyun_lab/balancer.py) settles states without any amphora.

write_octavia() {
  mkdir -p "$ETC/octavia"
  {
    conf_default octavia </dev/null
    cat <<END

[api_settings]
auth_strategy = keystone
enabled_provider_drivers = duoyun_lab:Settles every change at once and balances nothing
default_provider_driver = duoyun_lab
api_base_uri = http://127.0.0.1:$PORT_OCTAVIA

[controller_worker]
network_driver = allowed_address_pairs_driver

[quotas]
default_load_balancer_quota = 2000
default_listener_quota = 4000
default_pool_quota = 4000
default_member_quota = 20000
default_health_monitor_quota = 4000
END
    conf_database database octavia
    conf_authtoken
    conf_login service_auth
    printf '\n[neutron]\nregion_name = %s\n' $REGION
  } >"$ETC/octavia/octavia.conf"
}

schema_octavia() {
  schema octavia run_py octavia.db.migration.cli:main --config-file "$ETC/octavia/octavia.conf" upgrade head
}

start_octavia() {
  start_wsgi octavia $PORT_OCTAVIA
}
