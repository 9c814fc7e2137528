"""What a cloud offers before anybody buys: flavors, images, volume types, an external network. All repeatable."""
from cloud import admin, until

SIZES = ((1, 2), (2, 4), (2, 8), (4, 8), (4, 16), (8, 16), (8, 32), (16, 32), (16, 64))  # vCPU, GiB of memory
DISKS = (40, 100, 500)  # GiB of system disk
IMAGES = ("kylin-v10", "uos-20", "openeuler-22.03", "anolis-8", "ubuntu-22.04")
CLASSES = ("ssd", "standard")
PATIENCE = 240  # seconds: the machine may be busy with other work
EXTERNAL = "external"
EXTERNAL_CIDR = "203.0.112.0/20"  # some 4,000 floating IPs; no packet ever leaves

# Portable names of orders; here the cloud's names are the same.
MAPPING = {
    "images": {name: name for name in IMAGES},
    "classes": {name: name for name in CLASSES},
    "external_network": EXTERNAL,
}


def await_hosts():
    """Until nova-compute and cinder-volume report, and both schedulers know what their hosts hold."""
    cloud = admin()
    until("cinder's pools", lambda: cloud.get("volumev3", "/scheduler-stats/get_pools")["pools"], PATIENCE)
    until("nova-compute", lambda: up(cloud, "compute", "nova-compute"), PATIENCE)
    until("placement's inventory", lambda: inventory(cloud), PATIENCE)


def up(cloud, service, binary):
    return any(row["state"] == "up" for row in cloud.get(service, f"/os-services?binary={binary}")["services"])


def inventory(cloud):
    providers = cloud.get("placement", "/resource_providers")["resource_providers"]
    return any(cloud.get("placement", f"/resource_providers/{row['uuid']}/inventories")["inventories"]
               for row in providers)


def fill():
    cloud = admin()
    flavors(cloud)
    images(cloud)
    volume_types(cloud)
    external_network(cloud)


def flavors(cloud):
    have = {row["name"] for row in cloud.get("compute", "/flavors")["flavors"]}
    for vcpu, ram in SIZES:
        for disk in DISKS:
            name = f"c{vcpu}m{ram}d{disk}"
            if name not in have:
                flavor = {"id": name, "name": name, "vcpus": vcpu, "ram": ram * 1024, "disk": disk}
                cloud.post("compute", "/flavors", {"flavor": flavor})


def images(cloud):
    have = {row["name"]: row for row in cloud.get("image", "/images?limit=100")["images"]}
    for name in IMAGES:
        image = have.get(name) or cloud.post("image", "/images", {
            "name": name, "disk_format": "raw", "container_format": "bare", "visibility": "public", "min_disk": 20,
            "os_distro": name.split("-")[0], "os_version": name.split("-")[1]})
        if image["status"] == "queued":
            cloud.raw("PUT", "image", f"/images/{image['id']}/file", bytes(64 * 1024),
                      {"Content-Type": "application/octet-stream"})


def volume_types(cloud):
    have = {row["name"] for row in cloud.get("volumev3", "/types?is_public=true")["volume_types"]}
    for name in CLASSES:
        if name not in have:
            cloud.post("volumev3", "/types", {"volume_type": {"name": name, "os-volume-type-access:is_public": True}})


def external_network(cloud):
    if cloud.get("network", f"/networks?name={EXTERNAL}")["networks"]:
        return
    network = cloud.post("network", "/networks", {"network": {
        "name": EXTERNAL, "router:external": True, "provider:network_type": "flat",
        "provider:physical_network": "public"}})["network"]
    cloud.post("network", "/subnets", {"subnet": {
        "name": EXTERNAL, "network_id": network["id"], "ip_version": 4, "cidr": EXTERNAL_CIDR, "enable_dhcp": False}})
