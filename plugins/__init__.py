"""The MkDocs plugin: plain ``mkdocs build`` and ``mkdocs serve`` give the whole site.

It is a convenience and knows nothing but kbgen's command line: MkDocs is kept from rendering anything itself, and
what ``kbgen build --offline`` makes is put where MkDocs would have. ``kbgen build`` does not need this package.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
from pathlib import Path

from mkdocs.config import config_options
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.livereload import LiveReloadServer
from mkdocs.plugins import BasePlugin
from mkdocs.structure.files import Files

log = logging.getLogger("mkdocs.plugins.kbgen")


class KbgenConfig(Config):  # type: ignore[no-untyped-call]
    """Options below ``plugins: - kbgen:`` in mkdocs.yml."""

    enabled = config_options.Type(bool, default=True)


class KbgenPlugin(BasePlugin[KbgenConfig]):  # type: ignore[no-untyped-call]
    """Hands the build over to kbgen."""

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        """Leave MkDocs nothing to render: kbgen runs it itself, on its own copy of the documents."""
        if self.config.enabled:
            config.nav = None
            config.theme.static_templates = set()
            config.extra_javascript = []
        return config

    def on_files(self, files: Files, /, *, config: MkDocsConfig) -> Files:  # noqa: ARG002 - MkDocs passes it
        """No documents."""
        return Files([]) if self.config.enabled else files

    def on_post_build(self, *, config: MkDocsConfig) -> None:
        """Build the site and put it in MkDocs' place.

        Raises:
            PluginError: kbgen did not build it; its own words are in the message.
        """
        if not self.config.enabled:
            return
        project = _project(config)
        # Kept between runs, so that only changed pages are written again.
        built = project / ".kbgen" / "mkdocs-site"
        command = [
            sys.executable,
            "-m",
            "kbgen",
            "-q",
            "-C",
            str(project),
            "build",
            "--offline",
            "--site-dir",
            str(built),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        told = (done.stderr.strip() or done.stdout.strip()).strip()
        # 0 is done; 1 is published, but something named failed, such as a source that could not be read.
        if done.returncode not in (0, 1):
            raise PluginError(f"kbgen build stopped (exit {done.returncode}):\n{told}")
        if done.returncode == 1:
            log.warning("kbgen: published, but something failed:\n%s", told)
        _replace(Path(config.site_dir), built)

    def on_serve(self, server: LiveReloadServer, /, *, config: MkDocsConfig, builder: object) -> LiveReloadServer:  # noqa: ARG002
        """Rebuild when the configuration changes, not only the documents."""
        server.watch(str(_project(config) / "site_config"))
        return server


def _project(config: MkDocsConfig) -> Path:
    return Path(config.config_file_path).resolve().parent


def _replace(target: Path, source: Path) -> None:
    """Make ``target`` a copy of ``source`` without moving the folder itself, which a server may be serving."""
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    shutil.copytree(source, target, dirs_exist_ok=True)
