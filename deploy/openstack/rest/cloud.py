"""A small client over the standard library: one project's token, its catalogue, JSON in and out."""
import json
import os
import time
import urllib.error
import urllib.request

LAB = os.environ["LAB"]
KEYSTONE = os.environ["LAB_KEYSTONE"]
REGION = os.environ["LAB_REGION"]
DOMAIN = "default"

# What the services' own clients would add to the catalogue's address.
PREFIX = {"image": "/v2", "network": "/v2.0", "load-balancer": "/v2.0"}
# server tags in create need 2.52; 2.79 shows everything that the checks look at
VERSIONS = {"compute": "compute 2.79", "volumev3": "volume 3.59", "placement": "placement 1.30"}
SECRETS = os.path.join(LAB, "state", "secrets")


class Refused(Exception):
    """An HTTP answer of 400 or more."""

    def __init__(self, status, method, url, body):
        super().__init__(f"{method} {url}: {status} {body[:500]}")
        self.status = status


def send(method, url, body=None, headers=None):
    """Returns (headers, body). A dict is sent and read as JSON, bytes as they are."""
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data=body, headers=headers, method=method)
    # No proxy of the environment: everything is on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=120) as answer:
            raw = answer.read()
            kind = answer.headers.get("Content-Type", "")
            return answer.headers, json.loads(raw) if raw and "json" in kind else raw
    except urllib.error.HTTPError as error:
        raise Refused(error.code, method, url, error.read().decode(errors="replace")) from None


class Cloud:
    """One user in one project."""

    def __init__(self, user, project, password):
        identity = {"methods": ["password"], "password": {
            "user": {"name": user, "domain": {"id": DOMAIN}, "password": password}}}
        scope = {"project": {"name": project, "domain": {"id": DOMAIN}}}
        headers, body = send("POST", KEYSTONE + "/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        self.token = headers["X-Subject-Token"]
        self.project_id = body["token"]["project"]["id"]
        self.user_id = body["token"]["user"]["id"]
        self.endpoints = {entry["type"]: entry["endpoints"][0]["url"]
                          for entry in body["token"]["catalog"] if entry["endpoints"]}
        # Bootstrap alone writes the identity endpoint; the environment knows the address as well.
        self.endpoints["identity"] = KEYSTONE

    def raw(self, method, service, path, body=None, headers=None):
        headers = {"X-Auth-Token": self.token, **(headers or {})}
        if service in VERSIONS:
            headers["OpenStack-API-Version"] = VERSIONS[service]
        return send(method, self.endpoints[service] + PREFIX.get(service, "") + path, body, headers)

    def get(self, service, path):
        return self.raw("GET", service, path)[1]

    def post(self, service, path, body=None):
        return self.raw("POST", service, path, body)[1]

    def put(self, service, path, body=None):
        return self.raw("PUT", service, path, body)[1]

    def delete(self, service, path):
        """A thing that is gone already is as good as deleted."""
        try:
            self.raw("DELETE", service, path)
        except Refused as error:
            if error.status != 404:
                raise

    def remove(self, what, service, path, seconds=60):
        """Deletes and waits until it is gone; what still refuses because of a neighbour is asked again."""
        def gone():
            try:
                self.delete(service, path)
                self.get(service, path.partition("?")[0])
            except Refused as error:
                if error.status not in (400, 404, 409):
                    raise
                return error.status == 404
            return False
        until(f"deletion of {what}", gone, seconds)

    def all(self, service, path, key):
        """Every row of a listing; pages are followed."""
        rows = []
        while path:
            answer = self.get(service, path)
            rows += answer[key]
            links = answer.get(key + "_links", [])
            following = next((link["href"] for link in links if link["rel"] == "next"), "")
            path = following.removeprefix(self.endpoints[service] + PREFIX.get(service, ""))
        return rows


def admin():
    return Cloud("admin", "admin", secret("admin"))


def owner(project):
    """The user that owns a project of the lab; both have the same name."""
    return Cloud(project, project, secret("user-" + project))


def secret(name):
    with open(os.path.join(SECRETS, name), encoding="ascii") as file:
        return file.read().strip()


def until(what, test, seconds=120):
    """Polls until test() gives something true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        found = test()
        if found:
            return found
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.3)
