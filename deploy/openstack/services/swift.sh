# Swift: buckets. One replica in one folder; proxy, account, container and object server, no background daemons.

write_swift() {
  mkdir -p "$ETC/swift" "$STATE/swift/disk"
  cat >"$ETC/swift/swift.conf" <<END
[swift-hash]
swift_hash_path_prefix = duoyun
swift_hash_path_suffix = $(secret swift-hash)
END
  write_swift_storage account $PORT_SWIFT_ACCOUNT
  write_swift_storage container $PORT_SWIFT_CONTAINER
  write_swift_storage object $PORT_SWIFT_OBJECT
  write_swift_proxy
  # The rings hold nothing but the ports: they are made anew like any configuration.
  schema swift-rings "${LAB_ENV[@]}" "$PY" "$HERE/shims/swift_rings.py" "$ETC/swift" \
    account=$PORT_SWIFT_ACCOUNT container=$PORT_SWIFT_CONTAINER object=$PORT_SWIFT_OBJECT
}

conf_swift_default() { # port
  cat <<END
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $1
user = root
workers = 0
swift_dir = $ETC/swift
devices = $STATE/swift
mount_check = false
END
}

write_swift_storage() { # kind, port
  {
    conf_swift_default "$2"
    cat <<END

[pipeline:main]
pipeline = $1-server

[app:$1-server]
use = egg:swift#$1
recon_cache_path = $STATE/swift
END
  } >"$ETC/swift/$1-server.conf"
}

write_swift_proxy() {
  {
    conf_swift_default $PORT_SWIFT
    cat <<END

[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk authtoken keystoneauth copy slo dlo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true

[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo

[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:$PORT_MEMCACHED

[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member

[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
delay_auth_decision = true
END
    conf_authtoken | sed '/^\[/d; /^$/d'
  } >"$ETC/swift/proxy-server.conf"
}

start_swift() {
  local kind
  for kind in account container object proxy; do
    start swift-$kind "$PY" "$HERE/shims/swift_server.py" "$ETC/swift" $kind
  done
}
