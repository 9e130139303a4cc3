"""Finding pages: the static index of the site and the index of the terminal."""
