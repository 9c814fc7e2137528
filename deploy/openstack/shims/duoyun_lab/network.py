"""Neutron without agents: a mechanism driver that binds every port at once and sets the states that agents would set."""
import threading

from neutron.common import utils
from neutron.objects import router as l3_objects
from neutron_lib import constants
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events
from neutron_lib.callbacks import registry
from neutron_lib.callbacks import resources
from neutron_lib.plugins import constants as plugin_types
from neutron_lib.plugins import directory
from neutron_lib.plugins.ml2 import api
from neutron_lib.services.qos import base as qos
from neutron_lib.services.qos import constants as qos_rules

BANDWIDTH = {
    qos_rules.MAX_KBPS: {"type:range": [0, 2**31 - 1]},
    qos_rules.MAX_BURST: {"type:range": [0, 2**31 - 1]},
    qos_rules.DIRECTION: {"type:values": constants.VALID_DIRECTIONS},
}


class LabMechanism(api.MechanismDriver):
    """Binds to the first segment as an Open vSwitch agent would."""

    def initialize(self):
        # A qos policy without a driver that supports its rules is refused on bound ports.
        self.qos = qos.DriverBase(
            name="duoyun_lab", vif_types=[portbindings.VIF_TYPE_OVS], vnic_types=[portbindings.VNIC_NORMAL],
            supported_rules={qos_rules.RULE_TYPE_BANDWIDTH_LIMIT: BANDWIDTH})
        for event in (events.AFTER_CREATE, events.AFTER_UPDATE):
            registry.subscribe(settle_floating_ip, resources.FLOATING_IP, event)
        registry.subscribe(raise_interface, resources.ROUTER_INTERFACE, events.AFTER_CREATE)
        registry.subscribe(raise_gateway, resources.ROUTER_GATEWAY, events.AFTER_CREATE)

    def bind_port(self, context):
        segment = context.segments_to_bind[0]
        context.set_binding(segment[api.ID], portbindings.VIF_TYPE_OVS, {portbindings.CAP_PORT_FILTER: True},
                            status=constants.PORT_STATUS_ACTIVE)


def settle_floating_ip(resource, event, trigger, payload):
    """What the L3 agent reports: ACTIVE while it leads to a port, DOWN otherwise."""
    context = payload.context.elevated()
    address = l3_objects.FloatingIP.get_object(context, id=payload.resource_id)
    if address is None:
        return
    leads = address.fixed_port_id is not None
    status = constants.FLOATINGIP_STATUS_ACTIVE if leads else constants.FLOATINGIP_STATUS_DOWN
    directory.get_plugin(plugin_types.L3).update_floatingip_status(context, address.id, status)


def raise_interface(resource, event, trigger, payload):
    raise_port(payload.context, payload.metadata["port"]["id"])


def raise_gateway(resource, event, trigger, payload):
    router = l3_objects.Router.get_object(payload.context.elevated(), id=payload.resource_id)
    raise_port(payload.context, router.gw_port_id)


def raise_port(context, port_id):
    """Router ports are bound by the L3 agent's host; here nothing but their state is set."""
    directory.get_plugin().update_port_status(context.elevated(), port_id, constants.PORT_STATUS_ACTIVE)


def use_threads():
    """Tells nova of changed addresses from a thread: neutron's green one never runs under uwsgi."""
    def spawn(func, *args, **kwargs):
        threading.Thread(target=func, args=args, kwargs=kwargs, daemon=True).start()
    utils.spawn_n = spawn
