"""The addresses of pages; see ``kbgen.addresses``."""

from kbgen.addresses import absolute, encode, file_of, path_of_url, relative

__all__ = ["absolute", "encode", "file_of", "path_of_url", "relative"]
