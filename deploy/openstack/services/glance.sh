# Glance: images, in files. It runs as its own server and not under uwsgi, whose http-socket takes no chunked uploads.

write_glance() {
  mkdir -p "$ETC/glance" "$STATE/glance"/{images,staging,tasks}
  {
    conf_default glance <<END
bind_host = 127.0.0.1
bind_port = $PORT_GLANCE
workers = 0
enabled_backends = images:file
END
    conf_database database glance
    conf_authtoken
    cat <<END

[paste_deploy]
flavor = keystone
config_file = $PKG/usr/share/glance-common/glance-api-paste.ini

[glance_store]
default_backend = images

[images]
filesystem_store_datadir = $STATE/glance/images

[os_glance_staging_store]
filesystem_store_datadir = $STATE/glance/staging

[os_glance_tasks_store]
filesystem_store_datadir = $STATE/glance/tasks
END
  } >"$ETC/glance/glance.conf"
}

schema_glance() {
  schema glance run_py glance.cmd.manage:main --config-file "$ETC/glance/glance.conf" db_sync
}

start_glance() {
  start_py glance glance.cmd.api:main --config-file "$ETC/glance/glance.conf"
}
