"""Which texts ask the same thing: vectors, nearest neighbours, local scaling, linkage.

Its modules are loaded when there is something to compare, and not before: numpy and the models take a second.
Not here: the store, and what is done with a pair (``curate.near``, ``curate.clusters``).
"""
