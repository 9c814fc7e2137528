# Cinder: volumes, as sparse files (shims/duoyun_lab/volume.py).

write_cinder() {
  mkdir -p "$ETC/cinder" "$STATE/cinder/volumes"
  {
    conf_default cinder <<END
my_ip = 127.0.0.1
host = compute1
auth_strategy = keystone
enabled_backends = files
default_volume_type = standard
glance_api_servers = http://127.0.0.1:$PORT_GLANCE
api_paste_config = $PKG/usr/share/cinder-common/api-paste.ini
resource_query_filters_file = $PKG/etc/cinder/resource_filters.json
# The scheduler places nothing before it has heard what the host holds, and asks only once, perhaps too early.
backend_stats_polling_interval = 5
periodic_fuzzy_delay = 1
quota_volumes = 10000
quota_snapshots = 10000
quota_gigabytes = 10000000
quota_backups = 1000
quota_backup_gigabytes = 1000000

[files]
volume_driver = duoyun_lab.volume.FileDriver
volume_backend_name = files
lab_volumes_dir = $STATE/cinder/volumes

[coordination]
backend_url = file://$STATE/cinder/coordination
END
    conf_database database cinder
    conf_authtoken
    conf_login nova
    conf_privsep cinder_sys_admin
    conf_privsep privsep_osbrick
  } >"$ETC/cinder/cinder.conf"
}

# By default the privileged helper is started through cinder-rootwrap, which is not installed.
conf_privsep() { # section
  printf '\n[%s]\nhelper_command = /usr/bin/privsep-helper --config-file %s\n' "$1" "$ETC/cinder/cinder.conf"
}

schema_cinder() {
  schema cinder run_py cinder.cmd.manage:main --config-file "$ETC/cinder/cinder.conf" db sync
}

start_cinder() {
  local conf=(--config-file "$ETC/cinder/cinder.conf")
  start_wsgi cinder $PORT_CINDER
  start_py cinder-scheduler cinder.cmd.scheduler:main "${conf[@]}"
  start_py cinder-volume cinder.cmd.volume:main "${conf[@]}"
}
