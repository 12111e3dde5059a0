"""Questions with one checkable answer each, about what no training document was about; no answer is ever executed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from tools.language.lora_mixture import domains
from tools.language.lora_mixture.base import Base
from tools.language.lora_mixture.model import Mixture
from tools.language.lora_mixture.write import write

_TOKENS = 40  # of an answer, at most; only its first line counts
_CLOSE = 0.10  # of the charge and of the isoelectric point that a peptide was ordered with
_SMALLEST_CHARGE = 0.2  # off by less than a tenth of two charges is right where none is wanted


@dataclass(frozen=True)
class Question:
    prompt: str
    right: Callable[[str], bool]


def derivative() -> Iterator[Question]:
    """Exact, but for spaces."""
    for expression, answer in domains.derivatives("test"):
        yield Question(domains.derivative_question(expression), _equals(answer))


def formula() -> Iterator[Question]:
    """Exact; the InChI that is given begins with it, for whoever knows."""
    for row in domains.compounds("test"):
        yield Question(domains.compound_question(row), _equals(row["formula"]))


def molar_mass() -> Iterator[Question]:
    """Exact to 0.01 g/mol, the formula being given."""
    for row in domains.compounds("test"):
        answer = f"{float(row['mass']):.2f} g/mol"
        yield Question(f"{domains.compound_question(row)} {row['formula']}\nMolar mass:", _equals(answer))


def peptide() -> Iterator[Question]:
    """A peptide within a tenth of the charge and of the isoelectric point asked for, checked by computing both."""
    for sequence in domains.peptides("test"):
        charge, point = domains.charge_and_point(sequence)
        yield Question(domains.wanted(charge, point), _measures(charge, point))


TASKS: dict[str, tuple[str, Callable[[], Iterator[Question]]]] = {
    "derivative": ("math", derivative),
    "formula": ("chemistry", formula),
    "molar_mass": ("chemistry", molar_mass),
    "peptide": ("protein", peptide),
}


def _equals(answer: str) -> Callable[[str], bool]:
    return lambda said: said.replace(" ", "") == answer.replace(" ", "")


def _measures(charge: float, point: float) -> Callable[[str], bool]:
    def right(said: str) -> bool:
        sequence = said.strip()
        if not 3 <= len(sequence) <= 40 or set(sequence) - set("ACDEFGHIKLMNPQRSTVWY"):
            return False
        found, at = domains.charge_and_point(sequence)
        return abs(found - charge) <= max(_CLOSE * abs(charge), _SMALLEST_CHARGE) and abs(at - point) <= _CLOSE * point

    return right


def share_right(base: Base, mixture: Mixture, task: str, most: int, weights: list[float] | None = None) -> float:
    """Share of questions answered right by the mixture, or by the experts with fixed weights (zeros: the base model)."""
    questions = list(islice(TASKS[task][1](), most))
    right = 0
    for question in questions:
        written = write(
            mixture, base.tokens(question.prompt), _TOKENS, base.end, weights=weights, stop=base.is_line_end
        )
        right += question.right(base.text(written.tokens).split("\n")[0].strip())
    return right / len(questions)
