"""For `make docs`: README.md, CHANGELOG.md and SECURITY.md are pages, too; a link to a source file is its text only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "SECURITY.md": "security.md"}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(((?!https?:|#|mailto:)[^)#]+)(#[^)]*)?\)")


def on_files(files: Files, *, config: Any) -> Files:
    for name, page in PAGES.items():
        files.append(File.generated(config, page, content=_of_site((ROOT / name).read_text("utf-8"), ROOT)))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    return markdown if page.file.src_uri in PAGES.values() else _of_site(markdown, ROOT / "docs")


def _of_site(markdown: str, folder: Path) -> str:
    """Links relative to `folder` as links of the site."""

    def linked(found: re.Match[str]) -> str:
        picture, text, target, anchor = found.groups()
        path = (folder / target).resolve()
        if not path.exists():
            return found[0]  # mkdocs says that it leads nowhere
        inside = path.relative_to(ROOT).as_posix()
        page = PAGES.get(inside) or (inside.removeprefix("docs/") if inside.startswith("docs/") else None)
        return text if page is None else f"{picture}[{text}]({page}{anchor or ''})"

    return LINK.sub(linked, markdown)
