"""``python -m kbgen`` is ``kbgen``."""

from kbgen.cli import main

if __name__ == "__main__":
    main()
