"""The commands that run no stage: each gathers, then says. Stages are run by ``pipeline``, words are read by ``cli``.

One module for what belongs together, imported when one of its commands is given: loading all of them takes longer than
a build that has nothing to do.
"""
