import json
import re

import pytest

from store import Store
from tests.ui.stage import make_run, two_layers
from ui.view import charts
from ui.view.charts import DARK, LIGHT, Palette
from ui.view.live import Live
from ui.view.picture import picture


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_words_have_a_contrast_of_at_least_four_and_a_half_and_lines_of_three(colours: Palette) -> None:
    for words in (colours.ink, colours.quiet, colours.good, colours.bad, colours.warn, colours.busy, colours.accent):
        assert contrast(words, colours.paper) >= 4.5
        assert contrast(words, colours.box) >= 4.5
    assert contrast(colours.line, colours.paper) >= 3


def test_a_network_is_drawn_and_told_with_how_each_agent_fares() -> None:
    drawn = picture(two_layers(), {})
    states = {("solve", "solver"): "answered"}
    option = charts.network(drawn, states, {("solve", "solver"): 1234}, LIGHT)
    json.dumps(option, allow_nan=False)
    nodes = option["series"][0]["data"]
    assert nodes[0]["itemStyle"]["borderColor"] == LIGHT.good
    assert "1,234 tokens" in nodes[0]["label"]["formatter"]
    assert [(link["source"], link["target"]) for link in option["series"][0]["links"]] == [
        ("solve/solver", "tell/teller")
    ]
    assert charts.network_in_words(drawn, states) == (
        "Layer solve (single): solver answered. Layer tell (single): teller waits."
    )


def test_the_agent_that_is_looked_at_stands_in_a_frame_and_no_other() -> None:
    drawn = picture(two_layers(), {})
    nodes = charts.network(drawn, {("tell", "teller"): "failed"}, {}, LIGHT, drawn.boxes[1])["series"][0]["data"][:2]
    assert [node["itemStyle"]["borderWidth"] for node in nodes] == [1, 3]
    assert [node["itemStyle"] for node in nodes] == [node["select"]["itemStyle"] for node in nodes]
    assert nodes[1]["itemStyle"]["borderColor"] == LIGHT.accent


def test_a_click_means_the_box_that_was_clicked() -> None:
    drawn = picture(two_layers(), {})

    def click(k: int, what: str = "node") -> dict[str, object]:
        return {"selection": {"selected": [{"series_index": 0, "data_type": what, "data_indices": [k]}], "areas": []}}

    box = charts.clicked(click(1), drawn)
    assert box is not None
    assert (box.layer, box.agent) == ("tell", "teller")
    assert charts.clicked(click(0, "edge"), drawn) is None
    assert charts.clicked(click(2), drawn) is None  # a layer's name
    assert charts.clicked({"selection": {"selected": [], "areas": []}}, drawn) is None


def test_a_timeline_has_a_bar_for_each_agent_in_the_order_they_began(place: str) -> None:
    run = make_run(place)
    with Store.open(place) as store:
        root = Live(store, run.run_id).catch_up().tree()
    option = charts.timeline(root, DARK)
    json.dumps(option, allow_nan=False)
    assert option["yAxis"]["data"] == ["plan", "solve · solver", "tell · teller"]
    assert len(option["series"][1]["data"]) == 3
    assert re.match(r"Timeline: plan from .+ for .+; solver from .+; teller from .+\.", charts.timeline_in_words(root))
