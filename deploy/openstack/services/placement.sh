# Placement: what nova's hosts have left.

write_placement() {
  mkdir -p "$ETC/placement"
  {
    conf_default placement </dev/null
    conf_database placement_database placement
    conf_authtoken
  } >"$ETC/placement/placement.conf"
}

schema_placement() {
  schema placement run_py placement.cmd.manage:main --config-file "$ETC/placement/placement.conf" db sync
}

start_placement() {
  start_wsgi placement $PORT_PLACEMENT OS_PLACEMENT_CONFIG_DIR="$ETC/placement"
}
