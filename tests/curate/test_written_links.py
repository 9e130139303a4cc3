"""Links of overlays and introductions to other documents lead to the pages those become, or are named."""

from pathlib import Path

import pytest

from kbgen.curate.overlays import load_overlays
from kbgen.curate.taxonomy import load_taxonomy
from kbgen.errors import ConfigError
from kbgen.model import Ref

FILES = {
    "index.md": "# Help\n",
    "imprint.md": "# Imprint\n",
    "articles/index.md": "# Articles\n",
    "articles/refunds.md": "---\nid: 77\n---\n# Refunds\n",
    "articles/first steps.md": "# First steps\n",
    "articles/billing/README.md": "# Billing\n",
    "articles/soon.md": "---\ndraft: true\n---\n# Soon\n",
    "articles/broken.md": "---\n{\n---\n",
    "topics/hubs.md": "---\ntitle: Hubs\n---\n",
    "curated/pair.md": "---\nthread: community:8\n---\n",
    "curated/nobody.md": "---\nthread: eight\n---\n",
    "_shells/entry.md": "@@content@@\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a document of every kind."""
    for name, text in FILES.items():
        path = tmp_path / "content" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "site_config").mkdir()
    (tmp_path / "site_config/taxonomy.yml").write_text("topics:\n- {slug: hubs, title: Hubs}\n", encoding="utf-8")
    return tmp_path


def overlay(project: Path, body: str) -> tuple[str, list[str]]:
    """The text of an overlay two folders deep, and what is wrong with it."""
    path = project / "content/curated/hubs/reset.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"---\nthread: community:12\n---\n\n{body}\n", encoding="utf-8")
    overlays, errors = load_overlays(project)
    return overlays[Ref("community:12")].body or "", [str(error) for error in errors if "reset.md" in str(error)]


@pytest.mark.parametrize(
    ("link", "reference"),
    [
        ("../../articles/refunds.md", "content:/articles/refunds/"),
        ("../../articles/refunds.md#how-long", "content:/articles/refunds/#how-long"),
        ("../../articles/first%20steps.md", "content:/articles/first%20steps/"),
        ("<../../articles/first steps.md>", "content:/articles/first%20steps/"),
        ("../../articles/billing/README.md", "content:/articles/billing/"),
        ("../../articles/index.md", "content:/articles/"),
        ("../../topics/hubs.md", "content:/topics/hubs/"),
        ("../../imprint.md", "content:/imprint/"),
        ("../../index.md", "content:/"),
        ("../pair.md", "community:8"),
        ("./../pair.md?x=1", "community:8"),
    ],
)
def test_a_link_to_a_document_leads_to_its_page(project: Path, link: str, reference: str) -> None:
    """An article, a topic, another page and an overlay are each linked to as the page they become."""
    assert overlay(project, f"See [it]({link}).") == (f'<p>See <a href="kb:{reference}">it</a>.</p>', [])


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("../../articles/refund.md", "which is no file; did you mean refunds.md?"),
        ("nothing/here.md", "which is no file; known here: none"),
        ("../../../README.md", "which is outside of content/"),
        ("../../articles/soon.md", "which is a draft"),
        ("../../articles/broken.md", "which cannot be read: content/articles/broken.md"),
        ("../nobody.md", "an overlay that names no thread"),
        ("../../_shells/entry.md", "which is a shell and no page"),
    ],
)
def test_a_link_to_no_page_is_named(project: Path, link: str, problem: str) -> None:
    """File and line are told, the link becomes its text, and the rest of the overlay counts."""
    body, errors = overlay(project, f"One.\n\nSee [it]({link}).")

    assert body == "<p>One.</p><p>See it.</p>"
    assert len(errors) == 1
    assert errors[0].startswith(f"content/curated/hubs/reset.md:7: links to {link}, {problem}")


def test_other_links_and_code_are_left_alone(project: Path) -> None:
    """Addresses elsewhere, references and what only shows a link are no business of files."""
    body, errors = overlay(
        project,
        "`[a](no.md)` [b](https://a.example/no.md) [c](kb:community:3) [d](/no.md) [e](#no.md)\n\n    [f](no.md)",
    )

    assert errors == []
    assert 'href="https://a.example/no.md"' in body
    assert 'href="kb:community:3"' in body


def test_a_broken_link_is_found_however_it_is_written(project: Path) -> None:
    """A link by reference and one in HTML have their lines told as well."""
    _, errors = overlay(project, 'See [it][1]\n\nand <a href="gone.md">that</a>.\n\n[1]: away.md\n')

    assert [error.split(": ")[0] for error in errors] == [f"content/curated/hubs/reset.md:{line}" for line in (9, 7)]


def test_introductions_link_to_documents_too(project: Path) -> None:
    """A topic's introduction is held to the same, and its faults are told with all others of the vocabulary."""
    file = project / "content/topics/hubs.md"
    file.write_text("---\ntitle: Hubs\n---\nSee [refunds](../articles/refunds.md).\n", encoding="utf-8")

    assert load_taxonomy(project).topics[0].intro == '<p>See <a href="kb:content:/articles/refunds/">refunds</a>.</p>'

    file.write_text("---\ntitle: Hubs\n---\nSee [refunds](refunds.md).\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"content/topics/hubs\.md:4: links to refunds\.md, which is no file"):
        load_taxonomy(project)
