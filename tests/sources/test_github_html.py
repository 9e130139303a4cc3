"""Rules of ``kbgen.sources.github_html``."""

import pytest

from kbgen.sources.github_html import plain_github

REPOSITORY = "https://github.com/hubs/hub"
UUID = "0a1b2c3d-1111-2222-3333-444455556666"


@pytest.mark.parametrize(
    ("html", "plain"),
    [
        ("<p>words</p>", "<p>words</p>"),
        (
            '<div class="highlight highlight-source-shell"><pre>hub <span class="pl-c1">reset</span> &lt;id&gt;</pre></div>',
            '<pre><code class="language-shell">hub reset &lt;id&gt;</code></pre>',
        ),
        ('<div class="highlight"><pre>x</pre></div>', "<pre><code>x</code></pre>"),
        (
            '<p><a class="user-mention notranslate" href="https://github.com/ada">@ada</a></p>',
            '<p><a href="https://github.com/ada">@ada</a></p>',
        ),
        ('<p><a href="/hubs/hub/wiki">wiki</a></p>', '<p><a href="https://github.com/hubs/hub/wiki">wiki</a></p>'),
        ('<h2>Steps<a class="anchor" href="#steps"><svg><path></path></svg></a></h2>', "<h2>Steps</h2>"),
        ('<p><g-emoji class="g-emoji" alias="wave">\N{WAVING HAND SIGN}</g-emoji></p>', "<p>\N{WAVING HAND SIGN}</p>"),
        (
            f'<p><img src="https://private-user-images.githubusercontent.com/7/1-{UUID}.png?jwt=secret"></p>',
            f'<p><img src="https://github.com/user-attachments/assets/{UUID}"/></p>',
        ),
        (
            '<p><img src="https://camo.githubusercontent.com/ab/cd" data-canonical-src="https://x.example.com/a.png"></p>',
            '<p><img src="https://x.example.com/a.png"/></p>',
        ),
        (
            f'<p><a href="https://private-user-images.githubusercontent.com/7/1-{UUID}.png?jwt=secret">shot</a></p>',
            f'<p><a href="https://github.com/user-attachments/assets/{UUID}">shot</a></p>',
        ),
        (
            '<p><img src="https://user-images.githubusercontent.com/7/a.png?token=x"></p>',
            '<p><img src="https://user-images.githubusercontent.com/7/a.png"/></p>',
        ),
    ],
)
def test_what_only_github_shows_becomes_plain(html: str, plain: str) -> None:
    """Code keeps its language, links become absolute, and no address keeps a token that expires."""
    assert plain_github(html, REPOSITORY) == plain


def test_code_inside_of_code_is_one_text() -> None:
    """Blocks that stand in one another, which only a broken page has, become the code of the outer one."""
    html = '<div class="highlight"><pre>a<div class="highlight"><pre>b</pre></div></pre></div>'
    assert plain_github(html, REPOSITORY) == "<pre><code>ab</code></pre>"
