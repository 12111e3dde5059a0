"""Four domains of text that need no network: Python code, compounds, peptides and derivatives, each split before it is written.

What a document is about (a file, a compound, a sequence, the form of an expression) decides by its hash in which part it lies,
so that nothing a model is tested on was trained on in other words.

Sources: the standard library of the running CPython (PSF licence); `chemicals` (MIT), its PubChem table of names and structures;
`peptides`, which computes charge, isoelectric point, mass and hydrophobicity, and `aaindex`, published scales of residues; and
derivatives, integrals and linear systems made here by rule, which the tests hold against `sympy`.
Differs from the paper: its domains are questions on papers and books and a protein's mechanics, which are not public.
"""

import hashlib
import random
import sysconfig
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

Part = Literal["train", "validation", "test"]
VERSION = 1  # of what is written below
CHARACTERS = 520  # of a document, which is more than a model is shown of it
_SHARES: tuple[Part, ...] = ("test", "validation", *("train",) * 8)
_LONGEST_SMILES = 30
_RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
_NO_CODE = {"site-packages", "dist-packages", "test", "tests", "idlelib", "encodings", "pydoc_data", "turtledemo"}


def part_of(group: str) -> Part:
    """The part that all documents about `group` lie in: a tenth to test, a tenth to choose by, the rest to train on."""
    return _SHARES[_number(group) % len(_SHARES)]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest(), "big")


def windows(text: str) -> Iterator[str]:
    """A text cut at line ends into documents."""
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        lines.append(line)
        if sum(map(len, lines)) >= CHARACTERS:
            yield "".join(lines)
            lines = []


def packed(items: Iterator[str]) -> Iterator[str]:
    """Short items joined to documents."""
    together = ""
    for item in items:
        together += item
        if len(together) >= CHARACTERS:
            yield together
            together = ""


# Python code


def code(part: Part) -> Iterator[str]:
    """Pieces of the standard library, split by file, in the order of a hash."""
    yield from (piece for file, _, piece in _pieces() if part_of(file) == part)


@cache
def _pieces() -> list[tuple[str, int, str]]:
    home = Path(sysconfig.get_paths()["stdlib"])
    found = []
    for file in home.rglob("*.py"):
        name = file.relative_to(home)
        if _NO_CODE.isdisjoint(name.parts):
            text = file.read_text(encoding="utf-8", errors="replace")
            found += [(name.as_posix(), i, piece) for i, piece in enumerate(windows(text))]
    return sorted(found, key=lambda piece: _number(f"{piece[0]} {piece[1]}"))


# Chemistry


def chemistry(part: Part) -> Iterator[str]:
    """Records of compounds, split by compound."""
    return packed(compound_record(row) for row in compounds(part))


def compounds(part: Part) -> Iterator[dict[str, str]]:
    return (row for row in _compounds() if part_of(row["cas"]) == part)


def compound_record(row: dict[str, str]) -> str:
    return f"{compound_question(row)} {row['formula']}\nMolar mass: {float(row['mass']):.2f} g/mol\n\n"


def compound_question(row: dict[str, str]) -> str:
    """What is known before the formula is asked for."""
    return f"Compound: {row['name']}\nSMILES: {row['smiles']}\nInChI: {row['inchi']}\nFormula:"


@cache
def _compounds() -> list[dict[str, str]]:
    """Compounds that are one molecule of moderate size, in the order of a hash."""
    spec = find_spec("chemicals")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'chemicals'", name="chemicals")
    file = Path(spec.origin).parent / "Identifiers" / "chemical identifiers pubchem large.tsv"
    columns = ("pubchem", "cas", "formula", "mass", "smiles", "inchi", "key", "name", "common")
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines():
        values = line.split("\t", len(columns))[: len(columns)]
        if len(values) == len(columns) and len(values[4]) <= _LONGEST_SMILES and "." not in values[4]:
            rows.append(dict(zip(columns, values, strict=False)))
    return sorted(rows, key=lambda row: _number(row["cas"]))


# Peptides


def protein(part: Part) -> Iterator[str]:
    """Peptides with their properties, peptides made to measure, and descriptions of residue scales."""
    return packed(_protein_items(part))


def _protein_items(part: Part) -> Iterator[str]:
    scales = _scales(part)
    for i, sequence in enumerate(peptides(part)):
        if i % 3 == 0 and (scale := next(scales, "")):
            yield scale
        yield described(sequence) if i % 2 else f"{wanted(*charge_and_point(sequence))} {sequence}\n\n"


def peptides(part: Part) -> Iterator[str]:
    """Endless sequences of 6 to 12 residues, charged ones more often, none twice."""
    draw = random.Random(f"peptides {part}")
    seen = set()
    while True:
        alphabet = _RESIDUES + draw.choice(("", "KKRR", "DDEE", "KRDE"))
        sequence = "".join(draw.choices(alphabet, k=draw.randint(6, 12)))
        if part_of(sequence) == part and sequence not in seen:
            seen.add(sequence)
            yield sequence


def described(sequence: str) -> str:
    peptide, (charge, point) = _peptide(sequence), charge_and_point(sequence)
    return (
        f"Peptide: {sequence}\nCharge at pH 7: {charge:+.1f}\nIsoelectric point: {point:.1f}\n"
        f"Hydrophobicity: {peptide.hydrophobicity():.1f}\nMass: {peptide.molecular_weight():.0f} g/mol\n\n"
    )


def wanted(charge: float, point: float) -> str:
    """The order for a peptide with this net charge at pH 7 and this isoelectric point."""
    return f"Design a peptide with charge {charge:+.1f} and isoelectric point {point:.1f}\nPeptide:"


def charge_and_point(sequence: str) -> tuple[float, float]:
    peptide = _peptide(sequence)
    return float(peptide.charge(pH=7.0)), float(peptide.isoelectric_point())


def _peptide(sequence: str) -> Any:
    import peptides

    return peptides.Peptide(sequence)


def _scales(part: Part) -> Iterator[str]:
    from aaindex import aaindex1

    for name in sorted(aaindex1.record_codes(), key=_number):
        if part_of(name) == part:
            yield f"Residue scale {name}: {aaindex1[name].description}\n\n"


# Mathematics

_Term = Callable[[random.Random, str], tuple[str, str]]


def math(part: Part) -> Iterator[str]:
    """Derivatives, integrals and linear systems, split by the form of the expression and not by its numbers."""
    return packed(_math_items(part))


def _math_items(part: Part) -> Iterator[str]:
    draw = random.Random(f"math {part}")
    for i, (question, answer) in enumerate(derivatives(part)):
        if i % 4 == 3:
            yield f"Integrate: {answer}\nIntegral: {question} + C\n\n"
        else:
            yield f"{derivative_question(question)} {answer}\n\n"
        if i % 4 == 1:
            yield _system(draw)


def derivative_question(expression: str) -> str:
    return f"Differentiate: {expression}\nDerivative:"


def derivatives(part: Part) -> Iterator[tuple[str, str]]:
    """Endless expressions of two terms with their derivatives. Which kinds of terms come together decides the part."""
    draw = random.Random(f"derivatives {part}")
    own = forms(part)
    while True:
        letter, form = draw.choice("xtyz"), draw.choice(own)
        (f, df), (g, dg) = (_TERMS[kind](draw, letter) for kind in draw.sample(form, 2))
        yield f"{f} + {g}", f"{df} + {dg}"


def forms(part: Part) -> list[tuple[str, str]]:
    """Pairs of kinds of terms: three to test, three to choose by, fifteen to train on, in which every kind occurs."""
    pairs = sorted(combinations(_TERMS, 2), key=lambda pair: _number(" + ".join(pair)))
    return {"test": pairs[:3], "validation": pairs[3:6], "train": pairs[6:]}[part]


def _power(draw: random.Random, x: str) -> tuple[str, str]:
    a, n = draw.randint(2, 9), draw.randint(3, 9)
    return f"{a}*{x}**{n}", f"{a * n}*{x}**{n - 1}"


def _applied(function: str, derivative: str) -> _Term:
    def term(draw: random.Random, x: str) -> tuple[str, str]:
        a, k = draw.randint(2, 9), draw.randint(2, 9)
        return f"{a}*{function}({k}*{x})", f"{a * k}*{derivative.format(f'{k}*{x}')}"

    return term


def _logarithm(draw: random.Random, x: str) -> tuple[str, str]:
    a = draw.randint(2, 9)
    return f"{a}*log({x})", f"{a}/{x}"


def _line(draw: random.Random, x: str) -> tuple[str, str]:
    a = draw.randint(2, 99)
    return f"{a}*{x}", f"{a}"


_TERMS: dict[str, _Term] = {
    "power": _power,
    "line": _line,
    "log": _logarithm,
    "exp": _applied("exp", "exp({})"),
    "sin": _applied("sin", "cos({})"),
    "sinh": _applied("sinh", "cosh({})"),
    "cosh": _applied("cosh", "sinh({})"),
}


def _system(draw: random.Random) -> str:
    x, y = draw.randint(-9, 9), draw.randint(-9, 9)
    a, b, c, d = (draw.randint(1, 9) for _ in range(4))
    while a * d == b * c:
        d += 1
    return f"Solve: {a}*x + {b}*y = {a * x + b * y}, {c}*x + {d}*y = {c * x + d * y}\nSolution: x = {x}, y = {y}\n\n"


DOMAINS: dict[str, Callable[[Part], Iterator[str]]] = {
    "code": code,
    "chemistry": chemistry,
    "protein": protein,
    "math": math,
}
