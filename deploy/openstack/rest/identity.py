"""Keystone's contents: the services' user, the catalogue, roles, and the accounts that buy. All repeatable."""
import json
import os
import secrets

from cloud import DOMAIN, KEYSTONE, LAB, REGION, SECRETS, admin, owner, secret

# nova looks cinder up by type and name
SERVICE_NAMES = {"volumev3": "cinderv3"}
ROLES = ("member", "reader", "service", "load-balancer_member", "load-balancer_observer")


def fill(endpoints):
    """endpoints: type → URL."""
    cloud = admin()
    roles = {name: role(cloud, name) for name in ROLES + ("admin",)}
    project = ensure(cloud, "project", {"name": "service", "domain_id": DOMAIN})
    user = ensure(cloud, "user", {"name": "svc", "domain_id": DOMAIN, "password": secret("svc")})
    for name in ("admin", "service"):
        grant(cloud, project, user, roles[name])
    for kind, url in endpoints.items():
        service = ensure(cloud, "service", {"type": kind, "name": SERVICE_NAMES.get(kind, kind)})
        endpoint(cloud, service, url)


def ensure(cloud, kind, wanted):
    """The id of the thing of that name, made when it is not there."""
    for found in cloud.get("identity", f"/{kind}s?name={wanted['name']}")[kind + "s"]:
        return found["id"]
    return cloud.post("identity", f"/{kind}s", {kind: wanted})[kind]["id"]


def role(cloud, name):
    return ensure(cloud, "role", {"name": name})


def grant(cloud, project, user, role_id):
    cloud.put("identity", f"/projects/{project}/users/{user}/roles/{role_id}")


def endpoint(cloud, service, url):
    wanted = {"service_id": service, "interface": "public", "region_id": REGION, "url": url}
    for found in cloud.get("identity", f"/endpoints?service_id={service}")["endpoints"]:
        if found["url"] != url:
            cloud.raw("PATCH", "identity", f"/endpoints/{found['id']}", {"endpoint": wanted})
        return
    cloud.post("identity", "/endpoints", {"endpoint": wanted})


def owned(name):
    """Makes a project and its user, both of that name, with the roles of a cloud's customer; returns the password."""
    cloud = admin()
    password = make_secret("user-" + name)
    project = ensure(cloud, "project", {"name": name, "domain_id": DOMAIN})
    user = ensure(cloud, "user", {"name": name, "domain_id": DOMAIN, "password": password})
    for granted in ("member", "reader", "load-balancer_member"):
        grant(cloud, project, user, role(cloud, granted))
    return password


def account(name, mapping):
    """Makes the project and writes its two account files; returns the first one's path and contents."""
    password = owned(name)
    file = "account" if name == "duoyun" else "account-" + name
    basis = {"endpoint": KEYSTONE, "region": REGION, "domain": "Default", "project": name}
    by_password = basis | {"user": name, "secret": password, "mapping": mapping}
    by_credential = basis | application_credential(name) | {"mapping": mapping}
    write(file + "-appcred.json", by_credential)
    return write(file + ".json", by_password), by_password


def application_credential(name):
    """What another program would be given: no password, revocable. Keystone lets only the user make it."""
    cloud = owner(name)
    value = make_secret("appcred-" + name)
    path = f"/users/{cloud.user_id}/application_credentials"
    for found in cloud.get("identity", path)["application_credentials"]:
        return {"app_credential_id": found["id"], "secret": value}
    wanted = {"name": "duoyun", "secret": value}
    made = cloud.post("identity", path, {"application_credential": wanted})["application_credential"]
    return {"app_credential_id": made["id"], "secret": value}


def make_secret(name):
    path = os.path.join(SECRETS, name)
    if not os.path.exists(path):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_hex(16))
    return secret(name)


def write(name, contents):
    path = os.path.join(LAB, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(contents, file, indent=2, ensure_ascii=False)
        file.write("\n")
    return path
