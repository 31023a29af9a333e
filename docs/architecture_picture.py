"""Draws docs/architecture.svg: the rooms of evd and which imports which, read from the source (`make architecture`).

An arrow that a longer way says already is left out. `--check` writes nothing and fails where the picture is stale.
"""

from __future__ import annotations

import ast
import sys
from html import escape
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "architecture.svg"

BOX_WIDTH, BOX_HEIGHT = 226, 66
GAP, LAYER_GAP, MARGIN = 18, 46, 24
TEXT_WIDTH = 35
"""Characters of a room's purpose in a line of its box."""

STYLE = """
text { font-family: system-ui, sans-serif; fill: #1b1f24 }
.name { font-size: 15px; font-weight: 600 }
.what { font-size: 10.5px; fill: #59636e }
rect { fill: #f6f8fa; stroke: #8c959f; stroke-width: 1 }
.pure rect { fill: #ddf4e4 }
path { fill: none; stroke: #57606a; stroke-width: 1.1; opacity: 0.75; marker-end: url(#tip) }
marker path { fill: #57606a; stroke: none; opacity: 1 }
.page { fill: #ffffff; stroke: none }
"""


def rooms() -> dict[str, str]:
    """Room → the first sentence of its docstring."""
    found = {}
    for init in sorted((ROOT / "evd").glob("*/__init__.py")):
        text = ast.get_docstring(ast.parse(init.read_text("utf-8"))) or ""
        found[init.parent.name] = " ".join(text.split("\n\n")[0].split())
    return found


def imports(names: set[str]) -> dict[str, set[str]]:
    """Room → the rooms that its modules import."""
    graph: dict[str, set[str]] = {name: set() for name in names}
    for name in names:
        for path in (ROOT / "evd" / name).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                graph[name] |= {word for word in _rooms_of(node) if word in names and word != name}
    return graph


def _rooms_of(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        modules = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return set()
    return {parts[1] for module in modules if (parts := module.split("."))[0] == "evd" and len(parts) > 1}


def reachable(graph: dict[str, set[str]], name: str) -> set[str]:
    """All rooms below one."""
    below: set[str] = set()
    for other in graph[name]:
        below |= {other, *reachable(graph, other)}
    return below


def reduced(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Without the arrows that a longer way says already."""
    return {
        name: {one for one in others if not any(one in reachable(graph, via) for via in others - {one})}
        for name, others in graph.items()
    }


def layers(graph: dict[str, set[str]]) -> list[list[str]]:
    """From the top: a room stands right below the last that imports it, and in a layer below the middle of them all."""
    above = {name: {one for one, others in graph.items() if name in others} for name in graph}
    depth: dict[str, int] = {}

    def level(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((level(one) for one in above[name]), default=-1)
        return depth[name]

    rows: list[list[str]] = [[] for _ in range(1 + max(map(level, graph)))]
    for name in sorted(graph):
        rows[level(name)].append(name)
    middle: dict[str, float] = {}
    for row in rows:
        row.sort(key=lambda name: (sum(middle[one] for one in above[name]) / (len(above[name]) or 1), name))
        middle |= {name: (place + 0.5) / len(row) for place, name in enumerate(row)}
    return rows


def picture() -> str:
    """The SVG."""
    purposes = rooms()
    graph = reduced(imports(set(purposes)))
    pure = {"model", "payload", "sigfox", "redaction", "request", "streaming"}
    rows = layers(graph)
    width = max(len(row) for row in rows) * (BOX_WIDTH + GAP) - GAP + 2 * MARGIN
    at: dict[str, tuple[float, float]] = {}
    for level, row in enumerate(rows):
        left = (width - len(row) * (BOX_WIDTH + GAP) + GAP) / 2
        for place, name in enumerate(row):
            at[name] = left + place * (BOX_WIDTH + GAP), MARGIN + level * (BOX_HEIGHT + LAYER_GAP)
    height = MARGIN + len(rows) * (BOX_HEIGHT + LAYER_GAP)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}">',
        f"<title>The rooms of evd; an arrow leads to what a room imports</title><style>{STYLE}</style>",
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>',
        f'<rect class="page" width="{width:g}" height="{height:g}"/>',
    ]
    lines += [_arrow(at[name], at[other]) for name in sorted(graph) for other in sorted(graph[name])]
    lines += [_box(name, purposes[name], *at[name], pure=name in pure) for name in sorted(at)]
    return "\n".join([*lines, "</svg>", ""])


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> str:
    x1, y1 = start[0] + BOX_WIDTH / 2, start[1] + BOX_HEIGHT
    x2, y2 = end[0] + BOX_WIDTH / 2, end[1]
    bend = min((y2 - y1) / 2, 60)
    return f'<path d="M{x1:g} {y1:g} C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} {x2:g} {y2:g}"/>'


def _box(name: str, purpose: str, x: float, y: float, *, pure: bool) -> str:
    said = wrap(purpose, TEXT_WIDTH)
    if len(said) > 3:
        said = [*said[:2], f"{said[2]} …"]
    texts = "".join(
        f'<text class="what" x="{x + 10:g}" y="{y + 34 + 12 * line:g}">{escape(text)}</text>'
        for line, text in enumerate(said)
    )
    kind = "pure" if pure else "room"
    return (
        f'<g class="{kind}"><rect x="{x:g}" y="{y:g}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6"/>'
        f'<text class="name" x="{x + 10:g}" y="{y + 19:g}">{name}</text>{texts}</g>'
    )


def main() -> int:
    drawn = picture()
    if "--check" not in sys.argv:
        PICTURE.write_text(drawn, "utf-8")
        return 0
    if PICTURE.exists() and PICTURE.read_text("utf-8") == drawn:
        return 0
    print("docs/architecture.svg is stale: run `make architecture` and commit it", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
