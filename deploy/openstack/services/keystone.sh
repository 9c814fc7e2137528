# Keystone: identity. Tokens are fernet; the keys are two random files.

write_keystone() {
  mkdir -p "$ETC/keystone"
  {
    conf_default keystone </dev/null
    conf_database database keystone
    cat <<END

[token]
provider = fernet
expiration = 43200

[fernet_tokens]
key_repository = $STATE/keystone/fernet

[fernet_receipts]
key_repository = $STATE/keystone/fernet

[credential]
key_repository = $STATE/keystone/credential

[identity]
# bcrypt's default of 12 rounds is the slowest part of a login
password_hash_rounds = 4

[cache]
enabled = true
backend = dogpile.cache.memcached
memcache_servers = 127.0.0.1:$PORT_MEMCACHED
END
  } >"$ETC/keystone/keystone.conf"
}

make_keys() { # folder
  local i
  [ -e "$1/1" ] && return 0
  mkdir -p "$1"
  chmod 700 "$1"
  for i in 0 1; do head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"$1/$i"; done
  chmod 600 "$1"/*
}

schema_keystone() {
  local manage=(run_py keystone.cmd.manage:main --config-file "$ETC/keystone/keystone.conf")
  make_keys "$STATE/keystone/fernet"
  make_keys "$STATE/keystone/credential"
  schema keystone "${manage[@]}" db_sync
  schema keystone-bootstrap "${manage[@]}" bootstrap --bootstrap-password "$(secret admin)" \
    --bootstrap-region-id $REGION --bootstrap-public-url "$KEYSTONE_URL"
}

start_keystone() {
  start_wsgi keystone $PORT_KEYSTONE OS_KEYSTONE_CONFIG_DIR="$ETC/keystone"
}
