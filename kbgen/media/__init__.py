"""Mirroring: the images of published posts, fetched once, made safe and small, and kept beside the store.

Opt-in (``media:`` in the configuration). ``mirror`` is the stage; it runs between curate and compile. Not here: how an
image is shown (``site.pictures``), and which texts name which images (``curate.summary``).
"""

from kbgen.media.stage import MediaJob, forget_all, media_network, mirror

__all__ = ["MediaJob", "forget_all", "media_network", "mirror"]
