"""The style sheets and scripts keep what the content security policy and WCAG 2.2 AA ask."""

import re
from pathlib import Path

import pytest

import yvaxportal
from yvaxportal.views.layout import MENU

ROOT = Path(yvaxportal.__file__).parent
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
TEMPLATES = sorted((ROOT / "templates").rglob("*.pt"))
TOKENS = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", (ROOT / "static/css/portal.css").read_text("utf-8")))


def luminance(colour: str) -> float:
    def linear(part: str) -> float:
        share = int(part, 16) / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(colour[at : at + 2]) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((ink, ground) for ink in ("ink", "ink-2", "ink-3") for ground in ("paper", "surface", "surface-2")),
        *((state, f"{state}-tint") for state in ("ok", "soon", "overdue", "doubtful", "neutral", "info")),
        *((state, "surface") for state in ("ok", "soon", "overdue", "doubtful", "info", "ai", "ai-2")),
        *(("ink-2", f"{state}-tint") for state in ("ok", "soon", "overdue", "info")),
        ("ai-deep", "wakatake"),
        ("surface", "ai"),
        ("surface", "ai-2"),
    ],
)
def test_text_stands_out(text: str, ground: str) -> None:
    assert contrast(TOKENS[text], TOKENS[ground]) >= 4.5


@pytest.mark.parametrize(
    ("line", "ground"),
    [
        ("control-line", "surface"),
        ("focus-outer", "surface"),
        ("focus-outer", "paper"),
        ("focus-inner", "ai"),
    ],
)
def test_edges_and_focus_stand_out(line: str, ground: str) -> None:
    assert contrast(TOKENS[line], TOKENS[ground]) >= 3


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_styles_fetch_nothing_from_elsewhere(path: Path) -> None:
    style = path.read_text("utf-8")
    assert "@import" not in style
    assert all(address.startswith('"data:image/svg+xml,') for address in re.findall(r"url\((.*?)\)", style))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_no_markup_and_no_style(path: Path) -> None:
    script = path.read_text("utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\.style\b", script
    )
    assert "http:" not in script
    assert "https:" not in script


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_templates_carry_no_inline_code(path: Path) -> None:
    template = re.sub(r"<!--!.*?-->", "", path.read_text("utf-8"), flags=re.DOTALL)
    assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:", template)
    assert all(re.search(r"\bsrc=", tag) for tag in re.findall(r"<script[^>]*>", template))


def test_every_icon_that_a_template_names_exists() -> None:
    icons = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static/img/icons.svg").read_text("utf-8")))
    named = {
        name
        for path in TEMPLATES
        for name in re.findall(r"(?:icons\.svg'\)\}|\$\{icons\})#([\w-]+)\"", path.read_text("utf-8"))
    }
    assert named
    assert named <= icons


def test_every_entry_of_the_menu_has_its_picture() -> None:
    pictures = (ROOT / "static" / "img" / "icons.svg").read_text("utf-8")
    assert [key for key, _, _ in MENU if f'id="menu-{key}"' not in pictures] == []
