"""How the page looks: it fits, it is not empty, and the README's picture of it.

``python -m pytest tests/server/page/test_looks.py --update-screenshot`` writes that picture, data/page.png.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.server.page.serving import QUESTION, OpenPage, Served

PICTURE = Path(__file__).resolve().parents[3] / "data" / "page.png"
MOST_BYTES = 250_000


def colours(picture: bytes) -> int:
    """How many different colours a picture has: a blank one has one."""
    found = Image.open(BytesIO(picture)).convert("RGB").getcolors(maxcolors=1 << 24)
    assert found is not None
    return len(found)


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("view", ["search", "memories", "timeline"])
def test_the_page_fits(served: Served, open_page: OpenPage, width: int, view: str) -> None:
    """On a telephone and on a desk: nothing is wider than the window, and something is drawn."""
    page = open_page(served.at(view, **({"q": QUESTION} if view == "search" else {})), width=width, height=900)
    page.locator({"search": ".node", "memories": ".memory-row", "timeline": ".point"}[view]).first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert colours(page.screenshot()) > 50


def test_light_and_dark(served: Served, open_page: OpenPage) -> None:
    """The page follows what the reader's system prefers, the drawing too."""
    brightness = """
        () => [getComputedStyle(document.body).backgroundColor,
               getComputedStyle(document.querySelector(".node.fact rect.bg")).fill]
            .map((colour) => colour.match(/\\d+/g).slice(0, 3).reduce((sum, one) => sum + Number(one), 0))
    """
    grounds = {}
    for scheme in ("light", "dark"):
        page = open_page(served.at(q=QUESTION), scheme=scheme)
        page.locator(".node").first.wait_for()
        grounds[scheme] = page.evaluate(brightness)
    assert min(grounds["light"]) > 600 > 200 > max(grounds["dark"])


CONTRAST = """
() => {
  const channel = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (colour) => (colour.match(/[\\d.]+/g) ?? []).map(Number);
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || element.closest("svg, .unseen, .skip, [hidden]") || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(parse(style.color)), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const name = `${element.tagName}.${element.className} ${element.textContent.slice(0, 30)}`;
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${name}`);
  }
  return poor;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(served: Served, open_page: OpenPage, scheme: str) -> None:
    """Text stands out from its ground by 4.5 to 1, as WCAG 2 AA asks."""
    page = open_page(served.at(q="Where does Wenna live?", namespace="chat"), scheme=scheme)
    page.locator(".node").first.wait_for()
    page.locator(".hit summary").first.click()
    assert page.evaluate(CONTRAST) == []
    page.locator(".hit").first.get_by_role("button", name="Forget").click()
    assert page.evaluate(CONTRAST) == []


def test_the_picture_in_the_readme(served: Served, open_page: OpenPage, pytestconfig: pytest.Config) -> None:
    """The page answers the README's question as in the picture: graph and passages are in sight; the picture is small."""
    page = open_page(served.at(q=QUESTION))
    page.locator(".side .time .point").first.wait_for()
    page.locator(".node").first.wait_for()
    page.reload()  # the first answer may have waited for the compiler, and the page tells how long it took
    page.locator(".side .time .point").first.wait_for()
    page.locator(".node").first.wait_for()
    page.locator(".brand").focus()
    page.evaluate("document.activeElement.blur()")
    picture = page.screenshot()
    assert Image.open(BytesIO(picture)).size == (1280, 800)
    assert colours(picture) > 200
    if pytestconfig.getoption("--update-screenshot", default=False):
        PICTURE.write_bytes(picture)
    assert PICTURE.is_file(), "run this test with --update-screenshot"
    assert PICTURE.stat().st_size < MOST_BYTES
