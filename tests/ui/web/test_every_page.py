"""What must hold of every page, in light and in dark: it is drawn without an error, can be read, and tells what it shows."""

from collections.abc import Callable

import pytest

from tests.ui.web.conftest import Dashboard, Visitor

Visit = Callable[..., Visitor]
PAGES = ("ask", "runs", "run", "learning", "compare", "tools", "tool", "papers", "settings")

CONTRAST = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
  const linear = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const luminance = c => 0.2126 * linear(c[0]) + 0.7152 * linear(c[1]) + 0.0722 * linear(c[2]);
  const over = (top, below) => [0, 1, 2].map(k => top[k] * top[3] + below[k] * (1 - top[3])).concat(1);
  const ground = e => {
    const layers = [];
    for (; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor || 'rgba(0,0,0,0)');
      layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const faint = [];
  const walker = document.createTreeWalker(document.querySelector('[data-testid=stMain]'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement, style = getComputedStyle(e), box = e.getBoundingClientRect();
    if (!walker.currentNode.data.trim() || !box.width || style.visibility === 'hidden') continue;
    if (e.closest('svg,style,script,[disabled],.bp-unseen')) continue;
    const below = ground(e), ink = over(parse(style.color), below);
    const [dark, light] = [luminance(ink), luminance(below)].sort((a, b) => a - b);
    const large = parseFloat(style.fontSize) >= 24;
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < (large ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 60)}`);
  }
  return faint;
}"""
UNTOLD = """() => [...document.querySelectorAll('[data-testid=stMain] img, [data-testid=stMain] [data-testid=stEChartsChart]')]
  .filter(e => !(e.getAttribute('alt') || e.getAttribute('aria-label') || e.querySelector('[aria-label]')))
  .map(e => e.outerHTML.slice(0, 200))"""
NAMELESS = """() => [...document.querySelector('[data-testid=stMain]').querySelectorAll('button, input, textarea')]
  .filter(e => e.offsetParent && !(e.textContent.trim() || e.getAttribute('aria-label') || e.title || e.labels?.length))
  .map(e => e.outerHTML.slice(0, 200))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_drawn_can_be_read_and_tells_what_it_shows(
    visit: Visit, dashboard: Dashboard, scheme: str
) -> None:
    visitor = visit(scheme)
    addresses = {
        "ask": "",
        "run": f"run?id={dashboard.runs['grid']}",
        "learning": f"learning?id={dashboard.runs['training']}",
        "tool": "tools?tool=solve_dc_opf",
    }
    for path in PAGES:
        page = visitor.go(addresses.get(path, path))
        visitor.shot(f"{path}-{scheme}")
        assert page.locator("[data-testid=stException]").count() == 0, path
        assert page.get_by_role("heading").count() >= 1 or page.locator(".bp-task").count() == 1, path
        assert (path, page.evaluate(CONTRAST)) == (path, [])
        assert (path, page.evaluate(UNTOLD)) == (path, [])
        assert (path, page.evaluate(NAMELESS)) == (path, [])
