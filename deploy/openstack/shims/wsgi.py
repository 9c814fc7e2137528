"""The WSGI application of the service named by LAB_SERVICE, for uwsgi. LAB_ETC is the folder of configurations."""
import gc
import os
import sys

SERVICE = os.environ["LAB_SERVICE"]
CONF = os.path.join(os.environ["LAB_ETC"], SERVICE, SERVICE + ".conf")


def keystone():
    from keystone.server.wsgi import initialize_public_application
    return initialize_public_application()


def placement():
    from placement.wsgi import init_application
    return init_application()


def cinder():
    from cinder.wsgi.wsgi import initialize_application
    return initialize_application()


def octavia():
    from octavia.api.app import setup_app
    return setup_app()


def neutron():
    # neutron.cmd.eventlet would replace the threads that uwsgi runs on.
    from duoyun_lab.network import use_threads
    from neutron import server
    from neutron.server import api_eventlet
    use_threads()
    return server.boot_server(api_eventlet.eventlet_api_server)


# Keystone, placement and neutron find their files by environment and choke on arguments.
sys.argv = [SERVICE] + (["--config-file", CONF] if SERVICE in ("cinder", "octavia") else [])
gc.set_threshold(50000, 20, 20)  # at the default a sixth of neutron's time is garbage collection
application = globals()[SERVICE]()
