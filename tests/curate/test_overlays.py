"""What writers put into content/curated, read file by file."""

from datetime import date
from pathlib import Path

from kbgen.curate.overlays import load_overlays
from kbgen.curate.taxonomy import load_taxonomy
from kbgen.model import Overlay, PlainText, Ref


def write(project: Path, name: str, text: str) -> None:
    """Write a file under content/curated."""
    path = project / "content/curated" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_an_overlay_says_what_it_changes(tmp_path: Path) -> None:
    """Keys that are absent mean "as harvested"; the body is rendered and sanitised."""
    write(
        tmp_path,
        "hubs/reset.md",
        "---\nthread: community:12\ntitle: Reset a hub\nsummary: How to.\ntags: [hub]\npin: true\n"
        "merge: [community:13]\nsplit: [community:14]\ncanonical: self\n---\n\nHold **both** buttons. <script>x</script>\n",
    )
    write(tmp_path, "plain.md", "---\nthread: community:9\nhide: true\n---\n")
    overlays, errors = load_overlays(tmp_path)
    assert errors == []
    assert overlays[Ref("community:9")] == Overlay(Ref("community:9"), "content/curated/plain.md", hide=True)
    one = overlays[Ref("community:12")]
    assert one == Overlay(
        ref=Ref("community:12"),
        file="content/curated/hubs/reset.md",
        title=PlainText("Reset a hub"),
        summary=PlainText("How to."),
        tags=("hub",),
        pin=True,
        merge=(Ref("community:13"),),
        split=(Ref("community:14"),),
        canonical="self",
        body=one.body,
        text=PlainText("Hold both buttons."),
    )
    assert one.body == "<p>Hold <strong>both</strong> buttons.</p>"


def test_bad_files_are_named_and_the_others_count(tmp_path: Path) -> None:
    """Every fault names file and line, and spoils its own file only."""
    write(tmp_path, "a.md", "---\nthread: community:1\ntittle: x\n---\n")
    write(tmp_path, "b.md", "---\nthread: [\n---\n")
    write(tmp_path, "c.md", "---\nthread: community:3\n---\n")
    write(tmp_path, "d.md", "---\ntitle: again\nthread: community:3\n---\n")
    write(tmp_path, "e.md", "No front matter.\n")
    write(tmp_path, "f.md", "---\nthread: twelve\n---\n")
    write(tmp_path, "g.md", "---\nthread: community:7\npin: sometimes\n---\n")
    write(tmp_path, "h.md", "---\nthread: community:8\ncanonical: there\n---\n")
    write(tmp_path, "i.md", "---\nthread: community:9\nmerge: [community:1]\nsplit: [community:1]\n---\n")
    write(tmp_path, "j.md", "---\nthread: community:10\ntags: {a: b}\n---\n")
    write(tmp_path, "k.md", "---\nthread: community:11\ntitle: [a]\n---\n")
    (tmp_path / "content/curated/l.md").write_bytes(b"---\nthread: community:12\ntitle: caf\xe9\n---\n")
    overlays, errors = load_overlays(tmp_path)
    assert list(overlays) == ["community:3"]
    messages = [str(error) for error in errors]
    assert messages[0] == "content/curated/a.md:3: tittle is not a known key; did you mean title?"
    assert messages[1].startswith("content/curated/b.md:")
    assert messages[2:] == [
        "content/curated/d.md:3: thread already has content/curated/c.md; keep one file for community:3",
        "content/curated/e.md:1: thread must name the one thread this is about: `thread: SOURCE:ID`",
        "content/curated/f.md:2: thread holds 'twelve' is not a reference; write SOURCE:ID, such as community:1234",
        "content/curated/g.md:3: pin must be true or false, not 'sometimes'",
        "content/curated/h.md:3: canonical must be self, source or an absolute address, not 'there'",
        "content/curated/i.md:4: split and merge both name community:1; keep it in one of them",
        "content/curated/j.md:3: tags must be a list of words, such as [one, two]",
        "content/curated/k.md:3: title must be text; quote it",
        "content/curated/l.md: is not UTF-8 (invalid continuation byte at byte 35); save it as UTF-8",
    ]


def test_no_folder_is_no_overlay(tmp_path: Path) -> None:
    """A project without decisions is a project."""
    assert load_overlays(tmp_path) == ({}, [])


def test_words_the_taxonomy_does_not_have_are_named(tmp_path: Path) -> None:
    """With file, line and the nearest word; the file counts, and synonyms and titles are words, too."""
    vocabulary = (
        "topics:\n- {slug: lights, title: Lights and lamps}\ntags:\n- {slug: bulbs, title: Bulbs, synonyms: [lamp]}\n"
    )
    (tmp_path / "site_config").mkdir()
    (tmp_path / "site_config/taxonomy.yml").write_text(vocabulary, encoding="utf-8")
    write(tmp_path, "a.md", "---\nthread: community:1\ntags: [lamp, blubs]\ntopics: [Lights and lamps, heat]\n---\n")
    overlays, errors = load_overlays(tmp_path, load_taxonomy(tmp_path))
    assert ["community:1"] == list(overlays)
    left_out = "which site_config/taxonomy.yml does not have; it is left out."
    assert [
        f"content/curated/a.md:3: tags names 'blubs', {left_out} did you mean bulbs?",
        f"content/curated/a.md:4: topics names 'heat', {left_out} known here: lights",
    ] == [str(error) for error in errors]


def test_the_day_of_the_last_look_is_a_day(tmp_path: Path) -> None:
    """A day is read as one; anything else is named."""
    write(tmp_path, "a.md", "---\nthread: community:1\nreviewed: 2026-05-01\n---\n")
    write(tmp_path, "b.md", "---\nthread: community:2\nreviewed: in May\n---\n")
    overlays, errors = load_overlays(tmp_path)
    assert [date(2026, 5, 1)] == [one.reviewed for one in overlays.values()]
    assert ["content/curated/b.md:3: reviewed must be a day such as 2026-05-01, not 'in May'"] == [
        str(e) for e in errors
    ]
