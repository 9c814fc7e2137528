"""Runs a function as a console script would: run.py module:function arguments...

Debian's python3-* packages hold the services' code but not their commands.
"""
import importlib
import sys

module, function = sys.argv[1].split(":")
sys.argv = [module] + sys.argv[2:]
sys.exit(getattr(importlib.import_module(module), function)())
