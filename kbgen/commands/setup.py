"""A project and its files: what begins one, and what says whether it is written right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kbgen.config import CONFIG_FILE, Config
from kbgen.console import Voice
from kbgen.errors import ConfigError, RecordError
from kbgen.initialise import add_ci, initialise, refuse_used
from kbgen.project import CONTENT, Project
from kbgen.site.written import unreadable_pages
from kbgen.sources import source_kinds

if TYPE_CHECKING:
    from kbgen.recognise import Recognised


def init(folder: Path, voice: Voice, ci: Sequence[str] = (), url: str = "") -> int:
    """Write the skeleton of a new project into an empty folder, and its nightly run; or that alone."""
    if ci and (folder / CONFIG_FILE).is_file():
        files = add_ci(folder, ci)
        voice.result({"folder": str(folder), "files": files}, f"Wrote {', '.join(files)} to {folder.resolve()}.")
        return 0
    found = _recognised(folder, url) if url else None
    files = initialise(folder, ci)
    said: dict[str, object] = {"folder": str(folder), "files": files}
    words = f"Wrote {len(files)} files to {folder.resolve()}.\n"
    if found is not None:
        found.write(folder)
        said |= {"kind": found.kind, "ready": found.ready, "unknown": found.unknown}
        todo = "".join(f"\n  {note}" for note in found.unknown)
        words += f"{url} is {found.platform}; its source is in {folder / CONFIG_FILE}. Not found out:{todo}\n"
    voice.result(said, f"{words}Next: edit {folder / CONFIG_FILE}, then kbgen -C {folder} build")
    return 0


def _recognised(folder: Path, url: str) -> Recognised:
    """What the community at an address runs on; a folder that cannot be used is refused before anybody is asked."""
    # Only who asks over the network pays for an HTTP library.
    from kbgen.recognise import recognise_at  # noqa: PLC0415

    refuse_used(folder)
    return recognise_at(url)


def schema(voice: Voice) -> int:
    """Print the JSON Schema of the configuration, every source kind included."""
    schema_of = Config.model_json_schema()
    made: list[dict[str, object]] = []
    for kind, options in sorted(source_kinds().items()):
        # Two kinds may have parts of the same name; references are looked up from the top.
        model = options.model_json_schema(ref_template=f"#/$defs/{kind}.{{model}}")
        parts = model.pop("$defs", {})
        schema_of["$defs"] |= {f"{kind}.{name}": part for name, part in parts.items()}
        made.append({**model, "properties": {**model["properties"], "kind": {"const": kind}}})
    schema_of["properties"]["sources"] = {"type": "array", "items": {"oneOf": made}}
    Voice(as_json=True).result(schema_of, "")
    del voice
    return 0


def config_check(project: Project, voice: Voice) -> int:
    """Read every file people edit: configuration (done by now), taxonomy, topics, overlays, redirects, documents."""
    faults: list[str] = []
    for part in ("taxonomy", "redirects", "decisions", "erasure"):
        try:
            getattr(project, part)
        except ConfigError as error:
            faults += error.faults
    faults += (*project.overlay_faults, *_document_faults(project))
    if faults:
        raise ConfigError(faults)
    names = [options.name for options in project.options]
    counted = _counted(names, project)
    voice.result({"sources": names, "faults": []}, counted)
    return 0


def _document_faults(project: Project) -> Iterator[str]:
    """Articles that would be left out, and pages that would stop the site."""
    if any(options.name == CONTENT for options in project.options):
        (own,) = project.sources((CONTENT,))
        yield from (str(found) for found in own.records() if isinstance(found, RecordError))
    yield from unreadable_pages(project.folder)


def _counted(names: Sequence[str], project: Project) -> str:
    taxonomy = project.taxonomy
    return (
        f"No faults. Sources: {len(names)} ({', '.join(names)}); topics: {len(taxonomy.topics)}; "
        f"tags: {len(taxonomy.tags)}; overlays: {len(project.overlays)}; redirects: {len(project.redirects)}"
    )
