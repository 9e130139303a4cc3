"""From what a platform said to what may be shown: pure steps, one per file.

``item`` curates one record, ``merge`` joins records to entries. Nothing in here opens the store, the network or
looks at the clock; ``taxonomy`` and ``overlays`` read the writers' files.
"""
