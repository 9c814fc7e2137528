"""Nova virt driver: nova's own fake hypervisor, mended where it forgets or does nothing.

compute_driver = duoyun_lab.LabDriver. The fake as shipped loses its servers on restart, never uploads a snapshot and
does not change the power state on pause and suspend.
"""
import io

from nova import context as nova_context
from nova import objects
from nova.compute import power_state
from nova.image import glance
from nova.virt import fake


class LabDriver(fake.FakeDriver):
    """A host large enough for any scenario: 20,000 cores, 80 TiB of memory, 800 TB of disk."""

    vcpus = 20000
    memory_mb = 80 * 1024 * 1024
    local_gb = 800000
    capabilities = dict(fake.FakeDriver.capabilities, supports_migrate_to_same_host=True)

    def init_host(self, host):
        super().init_host(host)
        ours = objects.InstanceList.get_by_host(nova_context.get_admin_context(), host, expected_attrs=["flavor"])
        for instance in ours:
            self._remember(instance)

    def _remember(self, instance):
        state = instance.power_state if instance.power_state is not None else power_state.RUNNING
        self.instances[instance.uuid] = fake.FakeInstance(instance.name, state, instance.uuid)
        self.resources.claim(vcpus=instance.flavor.vcpus, mem=instance.flavor.memory_mb, disk=instance.flavor.root_gb)

    def snapshot(self, context, instance, image_id, update_task_state):
        super().snapshot(context, instance, image_id, update_task_state)
        image = {"container_format": "bare", "disk_format": "raw", "status": "active"}
        glance.API().update(context, image_id, image, data=io.BytesIO(bytes(1024)), purge_props=False)

    def _set_power(self, instance, state):
        self.instances[instance.uuid].state = state

    def pause(self, instance):
        self._set_power(instance, power_state.PAUSED)

    def unpause(self, instance):
        self._set_power(instance, power_state.RUNNING)

    def suspend(self, context, instance):
        self._set_power(instance, power_state.SUSPENDED)

    def resume(self, context, instance, network_info, block_device_info=None):
        self._set_power(instance, power_state.RUNNING)
