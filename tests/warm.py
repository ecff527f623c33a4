"""What every service imports, imported: no connection is open, no setting read. See `forks.py`."""

import os
from importlib import import_module
from tempfile import TemporaryDirectory

from service.lasting import made_to_last

with TemporaryDirectory() as counts, made_to_last():
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = counts  # as when serving; a fork counts in the folder of its own
    import_module("service.cli.serve")
    import_module("service.app")
