from tests.ui.stage import two_layers
from ui.view.fork import prompts, with_prompts


def test_only_the_prompts_that_are_given_change() -> None:
    net = two_layers()
    places = prompts(net)
    assert list(places.values()) == ["Work it out.", "Say it in a sentence."]
    assert with_prompts(net, places) == net
    first = next(iter(places))
    changed = with_prompts(net, {first: "Work it out twice."})
    assert prompts(changed) == {**places, first: "Work it out twice."}
    assert changed.hash != net.hash
