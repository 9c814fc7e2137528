# Where the lab lives and which loopback ports it takes. Sourced by lab; everything may be set from the environment.

LAB=$(realpath -m "${DUOYUN_OPENSTACK_DIR:-/tmp/duoyun-openstack}")

# Debian's interpreter, whatever stands first on PATH: the services are Debian's python3 packages.
PY=/usr/bin/python3

# One shift moves all ports, so that two labs can run side by side. Nova's cells keep the ports: a lab's shift is fixed
# until wipe.
SHIFT=${DUOYUN_OPENSTACK_PORT_SHIFT:-0}
PORT_KEYSTONE=$((5000 + SHIFT))
PORT_PLACEMENT=$((8778 + SHIFT))
PORT_GLANCE=$((9292 + SHIFT))
PORT_NOVA=$((8774 + SHIFT))
PORT_NEUTRON=$((9696 + SHIFT))
PORT_CINDER=$((8776 + SHIFT))
PORT_SWIFT=$((8085 + SHIFT))
PORT_SWIFT_ACCOUNT=$((8086 + SHIFT))
PORT_SWIFT_CONTAINER=$((8087 + SHIFT))
PORT_SWIFT_OBJECT=$((8088 + SHIFT))
PORT_OCTAVIA=$((9876 + SHIFT))
PORT_MARIADB=$((23306 + SHIFT))
PORT_RABBIT=$((23672 + SHIFT))
PORT_RABBIT_DIST=$((23673 + SHIFT))
PORT_EPMD=$((23674 + SHIFT))
PORT_MEMCACHED=$((23211 + SHIFT))

REGION=RegionOne
KEYSTONE_URL=http://127.0.0.1:$PORT_KEYSTONE/v3

LOG=$LAB/log     # one file a process, plus .old of the run before
RUN=$LAB/run     # pid files
ETC=$LAB/etc     # configuration, written anew on every start
STATE=$LAB/state # databases, images, volumes, objects, secrets: kept until wipe
PKG=$LAB/pkg     # paste files unpacked from Debian's packages
