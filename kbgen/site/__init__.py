"""Pouring the library into the built shells, and everything around the pages on disk."""
