"""Entries, taxonomy and decisions to the whole site as data: pure, no I/O, no clock.

``library.compile_library`` is the way in; the other modules each make one kind of page.
"""
