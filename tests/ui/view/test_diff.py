from hypothesis import given
from hypothesis import strategies as st

from agents import agent, graph, layer
from ui.view.diff import Changed, networks_changed, words_changed


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_was_kept_and_removed_is_the_old_text_and_what_was_kept_and_added_the_new_one(old: str, new: str) -> None:
    diff = words_changed(old, new)
    assert "".join(w.text for w in diff if w.change != "added") == old
    assert "".join(w.text for w in diff if w.change != "removed") == new


def test_a_changed_word_is_one_word_and_not_letters() -> None:
    shown = [(w.change, w.text) for w in words_changed("Find the cheapest cost.", "Find the dearest cost.")]
    assert shown == [("kept", "Find the "), ("removed", "cheapest"), ("added", "dearest"), ("kept", " cost.")]


def test_equal_networks_do_not_differ() -> None:
    net = graph(layer("a", agent("x", "Do it.")))
    assert networks_changed(net, net) == []


def test_every_part_that_differs_is_named_with_how_it_read_and_reads() -> None:
    old = graph(
        layer("a", agent("x", "Do it."), agent("y", "Do it."), combine="majority"), layer("b", agent("z", "Say it."))
    )
    new = graph(layer("a", agent("x", "Do it well.", tools=["calculate"]), agent("y", "Do it."), combine="judge"))
    assert networks_changed(old, new) == [
        Changed("layers", "a, b", "a"),
        Changed("a: combined by", "majority", "judge"),
        Changed("a, x: prompt", "Do it.", "Do it well."),
        Changed("a, x: tools", "", "calculate"),
        Changed("b: combined by", "single", ""),
        Changed("b: agents", "z", ""),
        Changed("b, z: prompt", "Say it.", ""),
    ]
