import re
from itertools import islice

import pytest
import sympy
import torch

from tools.language.lora_mixture import domains
from tools.language.lora_mixture.base import Base
from tools.language.lora_mixture.data import (
    IGNORED,
    LENGTH,
    Domain,
    duplicates,
    own_domain,
    rows,
    targets,
)
from tools.language.lora_mixture.domains import DOMAINS, Part
from tools.language.lora_mixture.tasks import TASKS
from tools.language.lora_mixture.tool import CorpusTooSmall

PARTS: tuple[Part, ...] = ("train", "validation", "test")
every_domain = pytest.mark.parametrize("name", DOMAINS)


@every_domain
def test_the_parts_share_no_document_and_are_always_the_same(name: str) -> None:
    parts = {part: Domain(name).documents(part, 60) for part in PARTS}
    assert all(len(documents) == 60 for documents in parts.values())
    assert all(len(document) >= domains.CHARACTERS for documents in parts.values() for document in documents)
    assert not set(parts["train"]) & {*parts["validation"], *parts["test"]}
    assert not set(parts["validation"]) & set(parts["test"])
    assert duplicates(Domain(name), 60, 60) == 0
    assert Domain(name).documents("test", 20) == parts["test"][:20]


def test_no_compound_no_peptide_and_no_form_of_expression_is_in_two_parts() -> None:
    def cas(part: Part) -> set[str]:
        return {row["cas"] for row in domains.compounds(part)}

    def sequences(part: Part) -> set[str]:
        return set(islice(domains.peptides(part), 300))

    for groups in (cas, sequences, lambda part: set(domains.forms(part))):
        train, validation, test = (groups(part) for part in PARTS)
        assert train
        assert validation
        assert test
        assert not train & validation
        assert not train & test
        assert not validation & test
    kinds = {kind for form in domains.forms("train") for kind in form}
    assert {kind for part in PARTS for form in domains.forms(part) for kind in form} == kinds


@pytest.mark.parametrize("part", PARTS)
def test_derivatives_and_integrals_are_sympys(part: Part) -> None:
    for expression, answer in islice(domains.derivatives(part), 40):
        found = sympy.sympify(expression)
        [letter] = found.free_symbols
        assert sympy.simplify(sympy.diff(found, letter) - sympy.sympify(answer)) == 0


def test_linear_systems_have_the_solution_that_is_given() -> None:
    systems = re.findall(r"Solve: (.*), (.*)\nSolution: x = (.*), y = (.*)\n", "".join(islice(domains.math("test"), 9)))
    assert systems
    for first, second, x, y in systems:
        for equation in (first, second):
            left, right = equation.split("=")
            assert sympy.sympify(left).subs({"x": int(x), "y": int(y)}) == int(right)


def test_a_formula_weighs_what_is_said() -> None:
    weights = {"C": 12.0107, "H": 1.00794, "N": 14.0067, "O": 15.9994}
    checked = 0
    for row in islice(domains.compounds("test"), 100):
        atoms = re.findall(r"([A-Z][a-z]?)(\d*)", row["formula"])
        if {atom for atom, _ in atoms} <= set(weights):
            checked += 1
            assert sum(weights[a] * int(n or 1) for a, n in atoms) == pytest.approx(float(row["mass"]), abs=0.05)
            assert row["inchi"].startswith(row["formula"])
    assert checked > 30


@pytest.mark.parametrize("task", TASKS)
def test_the_right_answer_is_right_and_others_are_wrong(task: str) -> None:
    domain, questions = TASKS[task]
    assert domain in DOMAINS
    document = "".join(islice(DOMAINS[domain]("test"), 30))
    for question in islice(questions(), 3):
        assert not question.right("")
        assert not question.right("I do not know")
        if (at := document.find(question.prompt)) >= 0:
            said = document[at + len(question.prompt) :].split("\n")[0]
            assert question.right(said.strip())


def test_a_peptide_is_judged_by_its_own_charge_and_isoelectric_point() -> None:
    sequence = next(domains.peptides("test"))
    question = next(TASKS["peptide"][1]())
    assert question.right(sequence)
    assert not question.right(sequence + "KKKK")
    assert not question.right("not a peptide")


def test_rows_are_cut_filled_up_and_nothing_is_learned_behind_the_end(tiny: Base) -> None:
    ids = rows(tiny, ["abc", "x" * 500])
    assert ids.shape == (2, LENGTH)
    assert ids[0, 3:].eq(tiny.end).all()
    found = targets(ids, tiny.end)
    assert torch.equal(found[0, :2], ids[0, 1:3])
    assert found[0, 2:].eq(IGNORED).all()
    assert (found[1] != IGNORED).sum() == LENGTH - 1


def test_texts_of_ones_own_are_split_by_text_where_there_are_enough(tiny: Base) -> None:
    texts = [f"text {i}\n" * 200 for i in range(40)]
    domain = own_domain(tiny, "mine", texts)
    numbers = [{document.split()[1] for document in domain.documents(part, 999)} for part in PARTS]
    assert all(numbers)
    assert not numbers[0] & numbers[2]
    assert domain.settings != own_domain(tiny, "mine", texts[1:]).settings


@pytest.mark.parametrize(("texts", "words"), [(["short"], "5 tokens"), (["x" * 30_000], "documents in its")])
def test_a_corpus_that_is_too_small_is_refused(tiny: Base, texts: list[str], words: str) -> None:
    with pytest.raises(CorpusTooSmall, match=words):
        own_domain(tiny, "mine", texts)
