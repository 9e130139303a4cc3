"""kbgen turns a company's live communities into its help site.

What each module may know is drawn in CONTRIBUTING.md; ``tests/test_architecture.py`` enforces it.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
