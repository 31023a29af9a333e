"""Modules as one script: in the order in which a browser would run them, and nothing that cannot stand there."""

from __future__ import annotations

import pytest

from evd.web.bundle import SHARED, bundle, import_map, order

MODULES = {
    "app.js": 'import { count as now, more } from "./ui.js";\nimport "./texts/a.js";\nmore();\nimport("./late.js");\n',
    "ui.js": '// Elements.\nexport { more, count } from "./ui/count.js";\n',
    "ui/count.js": "export const count = [];\n/** One more. */\nexport function more() {\n  count.push(1);\n}\n",
    "texts/a.js": 'import { count } from "../ui/count.js";\ncount.push("a");\n',
    "late.js": 'import { count } from "./ui.js";\n',
    "first.js": 'import { count } from "./ui.js";\nexport function render() {\n  return import("./late.js");\n}\n',
}


def test_each_module_stands_behind_those_that_it_imports() -> None:
    names = order(MODULES, ["app.js", "first.js"])
    assert names == ["ui/count.js", "ui.js", "texts/a.js", "app.js", "first.js"]


def test_a_bundle_has_no_import_of_its_own_modules_and_shares_what_they_export() -> None:
    made = bundle(MODULES, ["app.js", "first.js"], "/assets/1")
    assert 'const { count: now, more } = evdModules["ui.js"];' in made.script
    assert made.script.count('import("/assets/1/late.js")') == 2 and "Elements" not in made.script
    assert made.shared.splitlines() == [
        'export const count = evdModules["ui/count.js"].count;',
        'export const more = evdModules["ui/count.js"].more;',
    ]
    assert f'"/assets/1/ui.js":"/assets/1/{SHARED}"' in import_map(made.names, "/assets/1")


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"ui.js": 'import { x } from "./app.js";\n'}, "import each other: app.js → ui.js → app.js"),
        ({"ui.js": "export let count = 1;\n"}, "'export let count = 1;', which cannot stand"),
        ({"ui.js": "export const at = import.meta.url;\n"}, "import.meta"),
        ({"ui.js": 'export { more as count } from "./ui/count.js";\n'}, "passes on more as count"),
        ({"texts/a.js": "export const more = 1;\n"}, "both export more"),
        ({"ui.js": 'export const text = "</script>";\n'}, "would end it"),
    ],
)
def test_what_cannot_stand_in_a_bundle_is_named(changed: dict[str, str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        bundle(MODULES | changed, ["app.js", "first.js"], "/assets/1")
