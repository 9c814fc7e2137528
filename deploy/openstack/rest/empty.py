"""Deletes everything a project holds, in the order in which the services let go."""
import urllib.parse

import inventory
from cloud import Refused, owner

INTERFACE = "network:router_interface"


def run(project):
    held = inventory.take(project)
    if not inventory.summary(held):
        return
    cloud = owner(project)

    def remove(kind, service, path, suffix=""):
        paths = [f"{path}/{row['id']}{suffix}" for row in held[kind]]
        for each in paths:  # all are asked before one is waited for
            ask(cloud, service, each)
        for each in paths:
            cloud.remove(each, service, each, 120)

    remove("load_balancers", "load-balancer", "/lbaas/loadbalancers", "?cascade=true")
    remove("servers", "compute", "/servers")
    remove("snapshots", "volumev3", "/snapshots")
    remove("volumes", "volumev3", "/volumes")
    remove("images", "image", "/images")
    remove("floatingips", "network", "/floatingips")
    detach_routers(cloud, held["ports"])
    remove("routers", "network", "/routers")
    # What a balancer or router owned went with it; it answers "gone" here.
    remove("ports", "network", "/ports")
    remove("networks", "network", "/networks")
    held["security_groups"] = [group for group in held["security_groups"] if group["name"] != "default"]
    remove("security_groups", "network", "/security-groups")
    remove("policies", "network", "/qos/policies")
    for row in held["keypairs"]:
        cloud.delete("compute", "/os-keypairs/" + row["keypair"]["name"])
    for row in held["containers"]:
        empty_bucket(cloud, row["name"])


def ask(cloud, service, path):
    try:
        cloud.delete(service, path)
    except Refused as error:
        if error.status not in (400, 409):
            raise


def detach_routers(cloud, ports):
    for port in ports:
        if port["device_owner"] == INTERFACE:
            cloud.put("network", f"/routers/{port['device_id']}/remove_router_interface", {"port_id": port["id"]})


def empty_bucket(cloud, name):
    path = "/" + urllib.parse.quote(name, safe="")
    while objects := cloud.get("object-store", path + "?format=json"):
        for row in objects:
            cloud.delete("object-store", f"{path}/{urllib.parse.quote(row['name'])}")
    cloud.remove(f"bucket {name}", "object-store", path)
