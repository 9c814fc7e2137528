# Debian packages: what is missing is installed, and the paste files are taken from packages that are not installed.

# Only the libraries: the service packages would add users, debconf questions, init scripts and, for nova-compute, libvirt.
PACKAGES=(
  python3-keystone python3-placement python3-glance python3-nova python3-neutron python3-cinder python3-octavia
  python3-swift python3-pymysql python3-memcache
  mariadb-server rabbitmq-server memcached uwsgi-core uwsgi-plugin-python3
  qemu-utils # cinder and glance ask qemu-img what an image is
  dmidecode  # os-brick reads the system's UUID with it
)
# These hold the paste files that the libraries lack.
PASTE_PACKAGES=(glance-common nova-common neutron-common cinder-common cinder-api)

apt_get() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-unsafe-io \
    -o DPkg::Lock::Timeout=900 "$@"
}

missing_packages() {
  local p
  for p in "${PACKAGES[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || echo "$p"
  done
}

# Debian starts what it installs; here nothing may start but by us. An existing policy of the machine is put back.
with_starts_forbidden() {
  local policy=/usr/sbin/policy-rc.d saved=''
  [ -e $policy ] && saved=$(mktemp) && cp -p $policy "$saved"
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod 755 $policy
  local rc=0
  "$@" || rc=$?
  rm -f $policy
  [ -n "$saved" ] && mv "$saved" $policy
  return $rc
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} = 0 ] && return 0
  [ "$(id -u)" = 0 ] || die "missing packages: ${missing[*]}. Run as root: apt-get install --no-install-recommends ${missing[*]}"
  say "installing ${#missing[@]} packages and what they need (about a minute)"
  apt_get update >"$LOG/apt.log" 2>&1 || log_failure apt "could not read the package lists"
  with_starts_forbidden apt_get install -y --no-install-recommends "${missing[@]}" >>"$LOG/apt.log" 2>&1 ||
    log_failure apt "could not install ${missing[*]}"
}

# Downloads without installing; apt-get download writes into the current folder.
unpack_paste_files() {
  [ -e "$PKG/.complete" ] && return 0
  local tmp deb
  tmp=$(mktemp -d "$LAB/deb.XXXXXX")
  chmod 755 "$tmp"
  (cd "$tmp" && apt_get -o APT::Sandbox::User=root download "${PASTE_PACKAGES[@]}") >>"$LOG/apt.log" 2>&1 ||
    log_failure apt "could not download ${PASTE_PACKAGES[*]}"
  mkdir -p "$PKG"
  for deb in "$tmp"/*.deb; do dpkg -x "$deb" "$PKG"; done
  rm -rf "$tmp"
  touch "$PKG/.complete"
}
