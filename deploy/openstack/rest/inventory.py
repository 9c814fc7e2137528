"""What the services really hold of one project, as they themselves show it."""
from cloud import owner

LISTINGS = (
    ("servers", "compute", "/servers/detail", "servers"),
    ("keypairs", "compute", "/os-keypairs", "keypairs"),
    ("volumes", "volumev3", "/volumes/detail", "volumes"),
    ("snapshots", "volumev3", "/snapshots/detail", "snapshots"),
    ("load_balancers", "load-balancer", "/lbaas/loadbalancers", "loadbalancers"),
    ("listeners", "load-balancer", "/lbaas/listeners", "listeners"),
    ("pools", "load-balancer", "/lbaas/pools", "pools"),
)
# Neutron and glance also show what is shared, so these are asked for by owner.
NETWORK = ("networks", "subnets", "ports", "routers", "floatingips", "security_groups")


def take(project):
    cloud = owner(project)
    held = {name: cloud.all(service, path, key) for name, service, path, key in LISTINGS}
    for kind in NETWORK:
        path = f"/{kind.replace('_', '-')}?project_id={cloud.project_id}"
        held[kind] = cloud.all("network", path, kind)
    held["policies"] = cloud.all("network", f"/qos/policies?project_id={cloud.project_id}", "policies")
    held["images"] = cloud.get("image", f"/images?owner={cloud.project_id}&limit=1000")["images"]
    held["members"] = members(cloud, held["pools"])
    held["containers"] = cloud.get("object-store", "?format=json") or []
    return {"project": project, "project_id": cloud.project_id, **held}


def members(cloud, pools):
    return [dict(member, pool_id=pool["id"]) for pool in pools
            for member in cloud.all("load-balancer", f"/lbaas/pools/{pool['id']}/members", "members")]


def summary(held):
    """Counts of what is there; the security group that every project has is no purchase."""
    groups = [group for group in held["security_groups"] if group["name"] != "default"]
    rows = {**held, "security_groups": groups}
    return {kind: len(value) for kind, value in rows.items() if isinstance(value, list) and value}
