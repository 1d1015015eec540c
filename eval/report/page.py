"""From the report's Markdown to one HTML file that needs nothing beside it: plots and style stand within."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from eval.report.plots import FAINT, GRID, INK, PAPER

if TYPE_CHECKING:
    from markdown_it.token import Token

_HERE = Path(__file__).parent
#: Colours of the plots that follow the page, light or dark: variables of style.css.
_VARIABLES = {PAPER: "var(--paper)", INK: "var(--ink)", FAINT: "var(--faint)", GRID: "var(--line)"}


def page(markdown: str, drawn: Mapping[str, str], *, title: str) -> str:
    """The whole page. markdown: escaped already where it quotes data.    drawn: file name -> SVG of every image in it."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": True}).enable("table")

    def image(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        name = str(tokens[at].attrs["src"])
        label = html.escape(tokens[at].content)
        picture = f'<span role="img" aria-label="{label}">{inline_svg(drawn[name], Path(name).stem)}</span>'
        return f'<span class="plot">{picture}<span class="caption">{label}</span></span>'

    def opens_table(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return '<div class="wide"><table>\n'

    def closes_table(self: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
        return "</table></div>\n"

    for rule, render in (("image", image), ("table_open", opens_table), ("table_close", closes_table)):
        reader.add_render_rule(rule, render)
    template = Template((_HERE / "page.html").read_text(encoding="utf-8"))
    style = (_HERE / "style.css").read_text(encoding="utf-8")
    return template.substitute(title=html.escape(title), style=style, body=reader.render(markdown))


def inline_svg(svg: str, prefix: str) -> str:
    """An SVG file as an element of a page: no prolog, ids that no other plot has, and the page's own colours."""
    element = svg[svg.index("<svg") :].strip()
    element = re.sub(r"<metadata>.*?</metadata>\s*", "", element, flags=re.DOTALL)
    element = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{prefix}-", element)
    for colour, variable in _VARIABLES.items():
        element = element.replace(colour, variable)
    return element
