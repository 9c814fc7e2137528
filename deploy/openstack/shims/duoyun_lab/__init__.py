"""Stand-ins for what an OpenStack on loopback lacks.

One module a service; each is loaded by the unmodified service through its own driver interface.
"""
