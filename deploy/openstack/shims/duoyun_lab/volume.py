"""Cinder volume driver: every volume and snapshot is a sparse file in lab_volumes_dir."""
import os

from cinder import exception
from cinder import interface
from cinder.image import image_utils
from cinder.volume import driver
from cinder.volume import volume_utils
from oslo_concurrency import processutils
from oslo_config import cfg

GIB = 1 << 30
OPTIONS = [cfg.StrOpt("lab_volumes_dir", help="Folder of the volume files")]


@interface.volumedriver
class FileDriver(driver.VolumeDriver):
    VERSION = "1.0"

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.configuration.append_config_values(OPTIONS)
        self.folder = self.configuration.lab_volumes_dir

    def check_for_setup_error(self):
        if not os.path.isdir(self.folder):
            raise exception.VolumeBackendAPIException(data=f"no folder {self.folder}")

    def _update_volume_stats(self):
        self._stats = {
            "volume_backend_name": self.configuration.volume_backend_name, "vendor_name": "Duoyun lab",
            "driver_version": self.VERSION, "storage_protocol": "local", "total_capacity_gb": "infinite",
            "free_capacity_gb": "infinite", "reserved_percentage": 0, "multiattach": True,
        }

    def _path(self, name):
        return os.path.join(self.folder, name)

    def local_path(self, volume):
        return self._path(volume.name)

    def _size(self, path, gib):
        with open(path, "ab") as file:
            file.truncate(gib * GIB)

    def _copy(self, source, target):
        processutils.execute("cp", "--sparse=always", "--reflink=auto", source, target)

    def _remove(self, path):
        if os.path.exists(path):
            os.remove(path)

    def create_volume(self, volume):
        self._size(self.local_path(volume), volume.size)

    def delete_volume(self, volume):
        self._remove(self.local_path(volume))

    def extend_volume(self, volume, new_size):
        self._size(self.local_path(volume), new_size)

    def create_snapshot(self, snapshot):
        self._copy(self.local_path(snapshot.volume), self._path(snapshot.name))

    def delete_snapshot(self, snapshot):
        self._remove(self._path(snapshot.name))

    def create_volume_from_snapshot(self, volume, snapshot):
        self._copy(self._path(snapshot.name), self.local_path(volume))
        self._size(self.local_path(volume), volume.size)

    def create_cloned_volume(self, volume, src_vref):
        self._copy(self.local_path(src_vref), self.local_path(volume))
        self._size(self.local_path(volume), volume.size)

    def copy_image_to_volume(self, context, volume, image_service, image_id):
        image_utils.fetch_to_raw(context, image_service, image_id, self.local_path(volume),
                                 self.configuration.volume_dd_blocksize, size=volume.size)
        self._size(self.local_path(volume), volume.size)

    def copy_volume_to_image(self, context, volume, image_service, image_meta):
        volume_utils.upload_volume(context, image_service, image_meta, self.local_path(volume), volume)

    def initialize_connection(self, volume, connector):
        return {"driver_volume_type": "local", "data": {"device_path": self.local_path(volume)}}

    def terminate_connection(self, volume, connector, **kwargs):
        pass

    def ensure_export(self, context, volume):
        pass

    def create_export(self, context, volume, connector):
        pass

    def remove_export(self, context, volume):
        pass
