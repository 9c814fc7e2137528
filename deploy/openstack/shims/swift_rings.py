"""Writes the three rings, one device each: swift_rings.py folder account=port container=port object=port"""
import os
import sys

from swift.common.ring import RingBuilder

folder = sys.argv[1]
for pair in sys.argv[2:]:
    kind, port = pair.split("=")
    ring = RingBuilder(part_power=6, replicas=1, min_part_hours=0)
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "disk", "weight": 1.0})
    ring.rebalance(seed=1)
    ring.get_ring().save(os.path.join(folder, kind + ".ring.gz"))
