from agents import GraphSpec, LayerSpec, TeamSpec, agent, graph, layer
from ui.view.picture import BOX_HEIGHT, BOX_WIDTH, MOST_ROWS, picture


def many(n: int) -> GraphSpec:
    return graph(
        layer("wide", *(agent(f"a{k}", "p") for k in range(n)), combine="majority"), layer("end", agent("z", "p"))
    )


def test_no_two_boxes_overlap_and_all_lie_in_the_picture() -> None:
    drawn = picture(many(5), {})
    for k, one in enumerate(drawn.boxes):
        assert 0 <= one.x <= drawn.width - BOX_WIDTH
        assert 0 <= one.y <= drawn.height - BOX_HEIGHT
        for other in drawn.boxes[k + 1 :]:
            assert abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT


def test_layers_go_from_left_to_right() -> None:
    drawn = picture(many(2), {})
    assert [c.layer for c in sorted(drawn.columns, key=lambda c: c.x)] == ["wide", "end"]


def test_every_last_agent_is_wired_to_every_first_of_the_next_layer() -> None:
    assert len(picture(many(5), {}).wires) == 5


def test_wires_inside_a_team_are_drawn_too() -> None:
    chain = graph(layer("chain", agent("a", "p"), agent("b", "p"), agent("c", "p"), edges=(("a", "b"), ("b", "c"))))
    assert len(picture(chain, {}).wires) == 2


def test_a_very_wide_layer_is_counted_instead_of_drawn() -> None:
    drawn = picture(many(1000), {})
    assert len(drawn.boxes) == MOST_ROWS + 2
    assert f"and {1000 - MOST_ROWS} more" in [box.label for box in drawn.boxes]


def test_the_team_that_ran_is_the_one_drawn() -> None:
    teams = tuple(TeamSpec(id=name, agents=(agent(f"{name}-agent", "p"),)) for name in ("one", "two"))
    pool = GraphSpec(layers=(LayerSpec(id="l", teams=teams),))
    drawn = picture(pool, {"l": "two"})
    assert [box.agent for box in drawn.boxes] == ["two-agent"]
    assert drawn.columns[0].combines == "single, 1 of 2 teams"
