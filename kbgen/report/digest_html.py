"""The digest as one HTML file that needs nothing else: tables, and bars drawn with CSS. Gathered in ``digest``."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import DictLoader, Environment, StrictUndefined

from kbgen.report.digest import Digest

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Report: {{ name }}</title>
<style>
:root { color-scheme: light dark; --bar: #2f6fb5; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem; }
th, td { text-align: start; vertical-align: top; padding: .25rem .75rem .25rem 0; }
th, td { border-bottom: 1px solid var(--line); }
td.number { text-align: end; font-variant-numeric: tabular-nums; }
td.bar { width: 55%; }
td.bar span { display: block; height: .9rem; background: var(--bar); border-radius: 2px; min-width: 2px; }
code { overflow-wrap: anywhere; }
</style>
<h1>{{ name }}</h1>
<p>{{ "{:,}".format(found.threads) }} threads on {{ "{:,}".format(found.pages.get("entry", 0)) }} pages,
{{ "{:,}".format(found.merged) }} of which join several; {{ "{:.0%}".format(found.old) }} of the pages were not touched
in the three years before the newest.</p>
{% macro chart(title, counts) %}{% if counts %}
<h2>{{ title }}</h2>
<table>
{% set most = counts.values() | max %}{% for key, count in counts.items() %}<tr><th scope="row">{{ key }}</th>
<td class="number">{{ "{:,}".format(count) }}</td>
<td class="bar"><span style="width: {{ (100 * count / most) | round(1) }}%"></span></td></tr>
{% endfor %}</table>
{% endif %}{% endmacro %}
<h2>Sources</h2>
<table>
<tr><th>Source</th><th>Records</th><th>Published</th><th>Held</th><th>Dropped</th></tr>
{% for source in found.sources %}<tr><th scope="row">{{ source.name }}</th>
<td class="number">{{ "{:,}".format(source.records) }}</td><td class="number">{{ "{:,}".format(source.publish) }}</td>
<td>{% for key, count in source.held.items() %}{{ key }} {{ count }} {% endfor %}</td>
<td>{% for key, count in source.dropped.items() %}{{ key }} {{ count }} {% endfor %}</td></tr>
{% endfor %}</table>
{{ chart("Pages", found.pages) }}
{{ chart("Best answers by", found.answers) }}
{{ chart("Last changed", found.years) }}
{{ chart("Topics", found.topics) }}
{{ chart("Learnt tags", found.learnt) }}
{{ chart("Tags the taxonomy does not know", found.unmapped) }}
{% if found.measured %}<h2>Duplicates, measured {{ found.measured.day }}</h2>
<table>
<tr><th>Band</th><th>From</th><th>Right</th><th>Wrong</th><th>Precision (95 % interval)</th><th>Of the known</th></tr>
{% for band in found.measured.bands %}{% set known = band.precision %}<tr><th scope="row">{{ band.name }}</th>
<td class="number">{{ "%.2f" | format(band.start) }}</td><td class="number">{{ "{:,}".format(known.right) }}</td>
<td class="number">{{ "{:,}".format(known.wrong) }}</td>
<td>{% if known.right or known.wrong %}{{ "{:.1%} ({:.1%} to {:.1%})".format(known.share, known.low, known.high) }}\
{% else %}not known{% endif %}</td>
<td class="number">{{ "{:.0%}".format(band.share) }}</td></tr>
{% endfor %}</table>
{% endif %}<h2>Waits for a person</h2>
{% if found.queue %}<table>
<tr><th>Kind</th><th>What</th><th>Why</th></tr>
{% for one in found.queue[:limit] %}<tr><td>{{ one.kind }}<br><code>{{ one.id }}</code></td>
<td>{{ link(one.url, one.title) }}{% if one.other %}<br>{{ link(one.other_url, one.other_title) }}{% endif %}</td>
<td>{{ one.why }}</td></tr>
{% endfor %}</table>
{% if found.queue | length > limit %}<p>And {{ found.queue | length - limit }} more.</p>{% endif %}
{% else %}<p>Nothing.</p>{% endif %}
{% if found.failures %}<h2>Failures</h2>
<ul>{% for failure in found.failures %}<li>{{ failure }}</li>{% endfor %}</ul>{% endif %}
</html>
"""
_LINK = """{% macro link(url, title) %}{% if url.startswith(("https://", "http://")) %}\
<a href="{{ url }}" rel="noreferrer">{{ title }}</a>{% else %}{{ title }}{% endif %}{% endmacro %}"""
_LIMIT = 200


def page(found: Digest, name: str) -> str:
    """Give the HTML.

    Args:
        found: the digest.
        name: of the site.
    """
    environment = Environment(loader=DictLoader({"page": _LINK + _PAGE}), autoescape=True, undefined=StrictUndefined)
    values: Mapping[str, object] = {"found": found, "name": name, "limit": _LIMIT}
    return environment.get_template("page").render(values)
