"""Which sites of Stack Exchange show formulas, and how they mark them.

Neither the dump nor the API says so; the sites' own pages do, which load MathJax or do not. A site that is missing here
has ``math: on`` for its source.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from kbgen.sources.base import MathMarks

_NETWORK = ".stackexchange.com"
_DOLLAR = frozenset(
    (
        *(
            "ai",
            "astronomy",
            "bioinformatics",
            "biology",
            "chemistry",
            "computergraphics",
            "crypto",
            "cs",
            "cseducators",
        ),
        *("cstheory", "datascience", "dsp", "earthscience", "economics", "engineering", "hsm", "math", "matheducators"),
        *("mathematica", "mattermodeling", "or", "physics", "proofassistants", "puzzling", "quant", "quantumcomputing"),
        *("robotics", "scicomp", "space", "stats"),
    )
)
# Where people write of dollars, or code with them, MathJax reads ``\\$`` instead.
_ESCAPED = frozenset(("codegolf", "codereview", "electronics", "rpg"))
_ELSEWHERE = frozenset(("mathoverflow.net",))


def marks_of(url: str) -> MathMarks | None:
    """Tell how a site marks formulas; None when it is not known to have any.

    Args:
        url: the site, or its meta site, which is set up alike.
    """
    host = (urlsplit(url).hostname or "").removeprefix("meta.")
    name = host.removesuffix(_NETWORK).removesuffix(".meta") if host.endswith(_NETWORK) else ""
    if name in _ESCAPED:
        return "escaped-dollar"
    return "dollar" if name in _DOLLAR or host in _ELSEWHERE else None
