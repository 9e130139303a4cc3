"""Harvest: every source's records into the store, verbatim. ``files`` reads files, ``live`` asks over the network."""

from kbgen.harvest.files import harvest
from kbgen.harvest.live import Errand, harvest_live

__all__ = ["Errand", "harvest", "harvest_live"]
