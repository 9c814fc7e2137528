"""Octavia provider: takes every change, as the no-op provider does, and then settles its state.

Octavia writes PENDING_* before it calls the provider and commits after the call returns. So a thread looks a moment
later and sets what is pending to ACTIVE or deletes it, children first and the load balancer last, as a real provider's
agent reports. It looks at the database and not at the call, so that it also settles what a restart left pending.
"""
import threading
import time

from octavia.api.drivers.driver_agent import driver_updater
from octavia.api.drivers.noop_driver import driver as noop
from octavia.common import constants
from octavia.db import api as db_api
from octavia.db import models
from octavia_lib.api.drivers import exceptions
from oslo_log import log

LOG = log.getLogger(__name__)

PENDING = (constants.PENDING_CREATE, constants.PENDING_UPDATE, constants.PENDING_DELETE)
KINDS = ("loadbalancer", "listener", "pool", "member", "health_monitor", "l7policy", "l7rule")
MUTATIONS = [f"{kind}_{verb}" for kind in KINDS for verb in ("create", "update", "delete")]
MUTATIONS += ["member_batch_update", "loadbalancer_failover"]


class Settler:
    """One thread a process; wake() makes it look for a few seconds."""

    LOOKS = 40
    PAUSE = 0.1  # seconds

    def __init__(self):
        self._woken = threading.Event()
        self._lock = threading.Lock()
        self._thread = None

    def wake(self):
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()
        self._woken.set()

    def _run(self):
        while True:
            self._woken.wait()
            self._woken.clear()
            for _ in range(self.LOOKS):
                time.sleep(self.PAUSE)
                try:
                    settle()
                except Exception:
                    LOG.exception("could not settle; looking again")


def settle():
    session = db_api.get_session()  # named, because the rows read their children through it
    pending = models.LoadBalancer.provisioning_status.in_(PENDING)
    for balancer in session.query(models.LoadBalancer).filter(pending).all():
        answer = driver_updater.DriverUpdater().update_loadbalancer_status(report(balancer))
        if answer["status_code"] != 200:
            LOG.error("load balancer %s: %s", balancer.id, answer)


def report(balancer):
    """The settled states of a balancer's pending rows; of all its rows when it goes, which is a cascade."""
    gone = balancer.provisioning_status == constants.PENDING_DELETE
    return {kind: [settled(row, gone) for row in rows if gone or row.provisioning_status in PENDING]
            for kind, rows in below(balancer).items()} | {constants.LOADBALANCERS: [settled(balancer, gone)]}


def below(balancer):
    pools, listeners = balancer.pools, balancer.listeners
    policies = [policy for listener in listeners for policy in listener.l7policies]
    return {
        constants.MEMBERS: [member for pool in pools for member in pool.members],
        constants.HEALTHMONITORS: [pool.health_monitor for pool in pools if pool.health_monitor],
        constants.L7RULES: [rule for policy in policies for rule in policy.l7rules],
        constants.L7POLICIES: policies,
        constants.LISTENERS: listeners,
        constants.POOLS: pools,
    }


def settled(row, gone):
    if gone or row.provisioning_status == constants.PENDING_DELETE:
        return {"id": row.id, constants.PROVISIONING_STATUS: constants.DELETED}
    return {"id": row.id, constants.PROVISIONING_STATUS: constants.ACTIVE, constants.OPERATING_STATUS: operating(row)}


def operating(row):
    if isinstance(row, models.Member) and row.pool.health_monitor is None:
        return constants.NO_MONITOR
    return constants.ONLINE if row.enabled else constants.OFFLINE


SETTLER = Settler()


class LabProvider(noop.NoopProviderDriver):
    """The no-op provider, but it lets Octavia make a real neutron port, and settles what it was told."""

    def __init__(self):
        super().__init__()
        for name in MUTATIONS:
            setattr(self, name, settling(getattr(self, name)))
        SETTLER.wake()  # Octavia loads its providers at start: this settles what was pending when it stopped

    def create_vip_port(self, *args):
        said = "Octavia makes the port"
        raise exceptions.NotImplementedError(user_fault_string=said, operator_fault_string=said)


def settling(call):
    def told(*args, **kwargs):
        call(*args, **kwargs)
        SETTLER.wake()
    return told
