"""The store: one SQLite file, and the only SQL in kbgen.

``database`` opens and migrates; each other module is one table with the few questions asked of it. What the
values mean is the callers' business: this package knows ``model`` and nothing of stages.
"""

from kbgen.store.database import SCHEMA_VERSION, Store, copy_store, open_store, readable

__all__ = ["SCHEMA_VERSION", "Store", "copy_store", "open_store", "readable"]
