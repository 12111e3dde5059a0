"""The algebra of textual gradients (papers' relations), and the one reverse walk."""

import math

from hypothesis import given
from hypothesis import strategies as st

from agents.backward.gradient import (
    FADED,
    KEPT,
    GradientItem,
    Items,
    Node,
    add,
    backward,
    mix,
    momentum,
    of_agent,
    of_combiner,
    scale,
    step,
)

TEXTS = ("it never rounds to cents", "the unit is missing in the answer", "nobody hears the clerk", "asks for a tool")
items = st.builds(
    GradientItem,
    target=st.sampled_from(("solve", "solve/a", "tell")),
    kind=st.sampled_from(("set_prompt", "add_edge")),
    text=st.sampled_from(TEXTS),
    weight=st.floats(0.2, 5),
)
gradients = st.lists(items, max_size=6).map(tuple)
shares = st.floats(0, 1)


def weights(gradient: Items) -> dict[tuple[str, str, str], float]:
    return {(i.target, i.kind, i.text): round(i.weight, 9) for i in gradient}


@given(gradients, gradients)
def test_beta_0_ignores_the_global_gradient_and_beta_1_the_local_one(one: Items, other: Items) -> None:
    assert weights(mix(one, other, 0)) == weights(add(other))
    assert weights(mix(one, other, 1)) == weights(add(one))


@given(gradients, gradients, shares)
def test_mixing_is_linear_in_the_weights(one: Items, other: Items, beta: float) -> None:
    total = sum(i.weight for i in mix(one, other, beta))
    expected = beta * sum(i.weight for i in one) + (1 - beta) * sum(i.weight for i in other)
    assert math.isclose(total, expected, rel_tol=1e-9, abs_tol=1e-9)


@given(gradients, gradients)
def test_alpha_1_is_no_momentum(before: Items, now: Items) -> None:
    assert momentum(before, now, 1) == add(now)[:KEPT]


@given(gradients, st.floats(0.3, 1))
def test_equal_sequences_give_equal_weights(now: Items, alpha: float) -> None:
    one = other = ()
    for _ in range(4):
        one, other = momentum(one, now, alpha), momentum(other, now, alpha)
    assert one == other


@given(gradients, st.floats(0.3, 0.95))
def test_a_complaint_that_recurs_converges_to_its_own_weight(now: Items, alpha: float) -> None:
    average: Items = ()
    for _ in range(60):
        average = momentum(average, now, alpha)
    wanted = weights(tuple(i for i in add(now)[:KEPT] if alpha * i.weight >= FADED))
    found = weights(average)
    assert all(math.isclose(found[k], w, rel_tol=1e-3, abs_tol=1e-3) for k, w in wanted.items())


def test_a_recurring_complaint_outranks_a_louder_one_off() -> None:
    recurring = GradientItem(target="solve", kind="set_prompt", text=TEXTS[0])
    once = GradientItem(target="tell", kind="add_edge", text=TEXTS[2], weight=1.5)
    average: Items = ()
    for now in ((recurring,), (once,), (recurring,), (recurring,)):
        average = momentum(average, now, 0.5)
    assert [i.text for i in average] == [TEXTS[0], TEXTS[2]]


def test_what_is_said_no_more_is_forgotten() -> None:
    average: Items = (GradientItem(target="solve", kind="set_prompt", text=TEXTS[0]),)
    steps = 0
    while average:
        average = momentum(average, (), 0.7)
        steps += 1
    assert steps == math.ceil(math.log(FADED) / math.log(0.3))


@given(gradients, st.floats(0.01, 1))
def test_a_step_takes_the_heaviest_share_rounded_up(gradient: Items, eta: float) -> None:
    taken = step(gradient, eta)
    assert len(taken) == math.ceil(eta * len(gradient))
    left = [i for i in gradient if i not in taken]
    assert not taken or not left or min(i.weight for i in taken) >= max(i.weight for i in left)


def test_items_that_say_the_same_in_other_words_become_one() -> None:
    one = GradientItem(target="a", kind="set_prompt", text="It never rounds to cents", evidence=("e1",))
    two = GradientItem(target="a", kind="set_prompt", text="it never rounds to whole cents", evidence=("e2",))
    (both,) = add((one,), (two,))
    assert (both.weight, both.evidence) == (2.0, ("e1", "e2"))
    assert len(add((one,), scale((two.model_copy(update={"target": "b"}),), 1))) == 2


# The walk


def chain(*scores: float | None) -> Node:
    """A chain of layers by what each one's answer scores; None is one that failed."""
    node: Node | None = None
    for k, score in enumerate(scores):
        said = None if score is None else f"answer {k}"
        node = Node(f"l{k}", (node,) if node else (), said, of_agent, score)
    assert node is not None
    return node


def blame(end: Node, loss: float = 1.0) -> dict[str, float]:
    return {n.name: n.blame for n in backward(end, loss) if n.blame}


def test_who_spoils_a_right_answer_keeps_all_blame() -> None:
    assert blame(chain(0.0, 1.0, 0.0)) == {"l2": 1.0}


def test_blame_passes_back_where_nothing_better_was_heard() -> None:
    assert blame(chain(0.0, 0.0, 0.0)) == {"l2": 0.5, "l1": 0.25, "l0": 0.25}


def test_a_combiner_answers_for_a_better_answer_it_did_not_take() -> None:
    a, b = Node("l/a", (), "right", of_agent, 1.0), Node("l/b", (), "wrong", of_agent, 0.0)
    assert blame(Node("l", (a, b), "wrong", of_combiner, 0.0, took=("b",))) == {"l": 1.0}


def test_else_those_it_took_answer_and_those_that_failed_before_them() -> None:
    a, b = Node("l/a", (), "wrong", of_agent, 0.0), Node("l/b", (), "wrong too", of_agent, 0.0)
    assert blame(Node("l", (a, b), "wrong", of_combiner, 0.0, took=("b",))) == {"l/b": 1.0}
    c = Node("l/c", (), None, of_agent)
    assert blame(Node("l", (a, b, c), "wrong", of_combiner, 0.0, took=("b",))) == {"l/c": 1.0}


@st.composite
def nets(draw: st.DrawFn) -> Node:
    """A random acyclic net that ends in one node."""
    nodes: list[Node] = []
    for k in range(draw(st.integers(1, 8))):
        parents = tuple(draw(st.lists(st.sampled_from(nodes), unique_by=id, max_size=3))) if nodes else ()
        said = draw(st.sampled_from(("words", None)))
        rule = draw(st.sampled_from((of_agent, of_combiner)))
        nodes.append(Node(f"n{k}", parents, said, rule, draw(st.sampled_from((None, 0.0, 0.5, 1.0)))))
    return nodes[-1]


@given(nets(), st.floats(0.01, 1))
def test_blame_is_conserved(end: Node, loss: float) -> None:
    nodes = backward(end, loss)
    assert math.isclose(sum(n.blame for n in nodes), loss, rel_tol=1e-9)
    assert all(n.blame >= -1e-12 for n in nodes)
