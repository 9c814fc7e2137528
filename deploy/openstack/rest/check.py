"""The smoke test: buys one of everything as an account would, looks at it, takes it all away, and says what remains.

It has a project of its own, so that it may run beside others, and can be cut short without harm: the next one clears up.
"""
import time

import contents
import empty
import identity
import inventory
from cloud import Refused, owner, until

NAME = "lab-check"  # of the project and of everything in it
TAG = "duoyun-mark-check"


class Check:
    def __init__(self):
        self.cloud = owner(NAME)
        self.undo = []  # newest last; each is (what, function)

    def made(self, what, service, path):
        self.undo.append((what, lambda: self.cloud.remove(what, service, path)))

    def create(self, kind, service, path, body):
        wrapper = next(iter(body))
        made = self.cloud.post(service, path, body)[wrapper]
        self.made(kind, service, f"{path}/{made['id']}")
        return made

    def reach(self, what, service, path, key, field, value):
        """Waits for a state; an error state ends the wait at once."""
        def there():
            row = self.cloud.get(service, path)[key]
            if row[field] in ("ERROR", "error"):
                raise TimeoutError(f"{what} is in state {row[field]}: {row.get('fault', '')}")
            return row if row[field] == value else None
        return until(f"{what} {value}", there)

    def network(self):
        body = {"network": {"name": NAME, "description": TAG}}
        self.net = self.create("network", "network", "/networks", body)
        self.subnet = self.create("subnet", "network", "/subnets", {"subnet": {
            "name": NAME, "network_id": self.net["id"], "ip_version": 4, "cidr": "10.99.0.0/24"}})
        outside = self.cloud.get("network", f"/networks?name={contents.EXTERNAL}")["networks"][0]["id"]
        self.outside = outside
        router = self.create("router", "network", "/routers", {"router": {
            "name": NAME, "external_gateway_info": {"network_id": outside}}})
        interface = {"subnet_id": self.subnet["id"]}
        self.cloud.put("network", f"/routers/{router['id']}/add_router_interface", interface)
        self.undo.append(("router interface", lambda: self.cloud.put(
            "network", f"/routers/{router['id']}/remove_router_interface", interface)))

    def port(self):
        group = self.create("security group", "network", "/security-groups", {"security_group": {"name": NAME}})
        self.create("rule", "network", "/security-group-rules", {"security_group_rule": {
            "security_group_id": group["id"], "direction": "ingress", "protocol": "tcp",
            "port_range_min": 22, "port_range_max": 22}})
        self.nic = self.create("port", "network", "/ports", {"port": {
            "name": NAME, "network_id": self.net["id"], "security_groups": [group["id"]]}})

    def server(self):
        image = self.cloud.get("image", "/images?name=kylin-v10")["images"][0]["id"]
        made = self.create("server", "compute", "/servers", {"server": {
            "name": NAME, "flavorRef": "c2m4d40", "imageRef": image, "tags": [TAG],
            "networks": [{"port": self.nic["id"]}]}})
        self.machine = f"/servers/{made['id']}"
        row = self.reach("server", "compute", self.machine, "server", "status", "ACTIVE")
        expect("the server's tag", row["tags"], [TAG])
        found = self.cloud.get("compute", f"/servers?tags={TAG}")["servers"]
        expect("servers found by tag", [row["id"] for row in found], [made["id"]])
        self.reach("port", "network", f"/ports/{self.nic['id']}", "port", "status", "ACTIVE")

    def power(self):
        for action, state in (("os-stop", "SHUTOFF"), ("os-start", "ACTIVE")):
            self.cloud.post("compute", self.machine + "/action", {action: None})
            self.reach("server", "compute", self.machine, "server", "status", state)
        self.cloud.post("compute", self.machine + "/action", {"resize": {"flavorRef": "c4m8d40"}})
        self.reach("server", "compute", self.machine, "server", "status", "VERIFY_RESIZE")
        self.cloud.post("compute", self.machine + "/action", {"confirmResize": None})
        self.reach("server", "compute", self.machine, "server", "status", "ACTIVE")

    def volume(self):
        made = self.create("volume", "volumev3", "/volumes", {"volume": {
            "name": NAME, "size": 1, "volume_type": "ssd", "metadata": {"mark": TAG}}})
        path = f"/volumes/{made['id']}"
        self.reach("volume", "volumev3", path, "volume", "status", "available")
        attachments = self.machine + "/os-volume_attachments"
        self.cloud.post("compute", attachments, {"volumeAttachment": {"volumeId": made["id"]}})
        self.reach("volume", "volumev3", path, "volume", "status", "in-use")
        self.extend(path, 2, "in-use")
        self.cloud.delete("compute", f"{attachments}/{made['id']}")
        self.reach("volume", "volumev3", path, "volume", "status", "available")
        self.extend(path, 3, "available")

    def extend(self, path, size, state):
        self.cloud.post("volumev3", path + "/action", {"os-extend": {"new_size": size}})
        self.reach("volume's size", "volumev3", path, "volume", "size", size)
        self.reach("volume", "volumev3", path, "volume", "status", state)

    def floating_ip(self):
        made = self.create("floating IP", "network", "/floatingips", {"floatingip": {
            "floating_network_id": self.outside, "port_id": self.nic["id"], "description": TAG}})
        path = f"/floatingips/{made['id']}"
        self.reach("floating IP", "network", path, "floatingip", "status", "ACTIVE")
        until("floating IP in nova", lambda: made["floating_ip_address"] in str(
            self.cloud.get("compute", self.machine)["server"]["addresses"]))
        self.cloud.put("network", path, {"floatingip": {"port_id": None}})
        self.reach("floating IP", "network", path, "floatingip", "status", "DOWN")

    def load_balancer(self):
        balancers = "/lbaas/loadbalancers"
        made = self.cloud.post("load-balancer", balancers, {"loadbalancer": {
            "name": NAME, "description": TAG, "vip_subnet_id": self.subnet["id"]}})["loadbalancer"]
        path = f"{balancers}/{made['id']}"
        self.made("load balancer", "load-balancer", path + "?cascade=true")

        def active():
            self.reach("load balancer", "load-balancer", path, "loadbalancer", "provisioning_status", "ACTIVE")
        active()
        listener = self.cloud.post("load-balancer", "/lbaas/listeners", {"listener": {
            "name": NAME, "protocol": "TCP", "protocol_port": 80, "loadbalancer_id": made["id"]}})["listener"]
        active()
        pool = self.cloud.post("load-balancer", "/lbaas/pools", {"pool": {
            "name": NAME, "protocol": "TCP", "lb_algorithm": "ROUND_ROBIN", "listener_id": listener["id"]}})["pool"]
        active()
        members = f"/lbaas/pools/{pool['id']}/members"
        member = self.cloud.post("load-balancer", members, {"member": {
            "address": self.nic["fixed_ips"][0]["ip_address"], "protocol_port": 8080,
            "subnet_id": self.subnet["id"]}})["member"]
        active()
        self.reach("member", "load-balancer", f"{members}/{member['id']}", "member", "provisioning_status", "ACTIVE")
        self.cloud.delete("load-balancer", f"{members}/{member['id']}")
        active()

    def bucket(self):
        self.cloud.raw("PUT", "object-store", f"/{NAME}", headers={"X-Container-Meta-Mark": TAG})
        self.made("bucket", "object-store", f"/{NAME}")
        self.cloud.raw("PUT", "object-store", f"/{NAME}/one", b"content")
        headers, body = self.cloud.raw("GET", "object-store", f"/{NAME}/one")
        expect("the object", body, b"content")
        headers, _ = self.cloud.raw("HEAD", "object-store", f"/{NAME}")
        expect("the bucket's mark", headers["X-Container-Meta-Mark"], TAG)
        self.cloud.delete("object-store", f"/{NAME}/one")

    STEPS = (network, port, server, power, volume, floating_ip, load_balancer, bucket)


def expect(what, got, wanted):
    if got != wanted:
        raise ValueError(f"{what}: {got!r} instead of {wanted!r}")


def run():
    """Returns the exit code: 0 when every step worked and nothing remains."""
    identity.owned(NAME)
    empty.run(NAME)
    work, failed = Check(), []
    for step in Check.STEPS:
        if not timed(step.__name__.replace("_", " "), lambda: step(work), failed):
            break
    for what, undo in reversed(work.undo):
        timed(f"delete {what}", undo, failed)
    left = inventory.summary(inventory.take(NAME))
    print("left:", left or "nothing")
    if left:
        failed.append("something remains")
    print("check failed: " + "; ".join(failed) if failed else "check passed")
    return 1 if failed else 0


def timed(what, call, failed):
    began = time.monotonic()
    try:
        call()
    except (Refused, TimeoutError, ValueError, KeyError, OSError) as error:
        print(f"{what:24} FAILED: {error}", flush=True)
        failed.append(what)
        return False
    print(f"{what:24} {time.monotonic() - began:5.1f} s", flush=True)
    return True
