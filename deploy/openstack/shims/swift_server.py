"""One swift server: swift_server.py folder account|container|object|proxy"""
import os
import sys

from swift.common import utils

folder, kind = sys.argv[1:]
utils.set_swift_dir(folder)  # before anything else of swift is loaded: /etc/swift is the default at import time

from swift.common.wsgi import run_wsgi  # noqa: E402

sys.exit(run_wsgi(os.path.join(folder, kind + "-server.conf"), kind + "-server", default_bind_port=0))
