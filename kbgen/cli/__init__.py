"""The command line: one thin function a command; what it does is done elsewhere.

The order of the imports is the order of the commands in ``--help``.
"""

from kbgen.cli.root import GLOBAL_OPTIONS, app, globals_first, main

from kbgen.cli import stages, asking, deciding, telling  # isort: skip

__all__ = ["GLOBAL_OPTIONS", "app", "asking", "deciding", "globals_first", "main", "stages", "telling"]
