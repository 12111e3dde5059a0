"""How many wrong programs the checker lets pass: mutants of the reference solutions, each with one small fault.

    python -m experiments.suites.humaneval.mutants --count 500

Sources: DeMillo, Lipton & Sayward, Hints on Test Data Selection (Computer 11, 1978): operators that a programmer mixes up.
Papadakis et al., Trivial Compiler Equivalence (ICSE 2015): a mutant that compiles to its original is none. A few that remain
still compute the same, and some faults the benchmark's own tests do not see; both survive.
"""

import argparse
import ast
import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import CodeType

from experiments.suites.data import find_folder, read_rows
from experiments.suites.humaneval.suite import check, suite
from experiments.suites.protocol import Item


@dataclass(frozen=True)
class Written:
    """A reply that is nothing but its text."""

    text: str
    value: None = None
    unit: str = ""
    refused: bool = False


_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_MIXED_UP: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}


def references() -> dict[str, str]:
    """The whole reference solution of each item, by its id."""
    rows = read_rows(find_folder("humaneval") / "test.jsonl")
    return {row["task_id"]: row["prompt"] + row["canonical_solution"] for row in rows}


def mutants(source: str, function: str) -> Iterator[str]:
    """All programs that differ from `source` by one fault in `function`."""
    original = ast.parse(source)
    faults = len(list(_faults(_body(original, function))))
    for chosen in range(faults):
        tree = ast.parse(source)
        list(_faults(_body(tree, function)))[chosen]()
        if _compiled(tree) != _compiled(original):
            yield ast.unparse(tree)


def _compiled(tree: ast.Module) -> CodeType:
    """The code object, the same for programs that differ only in where things stand."""
    for node in ast.walk(ast.fix_missing_locations(tree)):
        if isinstance(node, ast.expr | ast.stmt | ast.excepthandler | ast.arg | ast.keyword | ast.alias):
            node.lineno = node.end_lineno = 1
            node.col_offset = node.end_col_offset = 0
    return compile(tree, "", "exec")


def _body(tree: ast.Module, function: str) -> ast.FunctionDef:
    found = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == function)
    if ast.get_docstring(found) is not None:
        found.body = found.body[1:]
    return found


def _faults(function: ast.FunctionDef) -> Iterator[Callable[[], None]]:
    """Every fault that can be put into a function, each as what puts it there."""
    for statement in function.body:
        for node in ast.walk(statement):
            put = partial(setattr, node)
            match node:
                case ast.Compare():
                    for i, operator in enumerate(node.ops):
                        yield partial(node.ops.__setitem__, i, _OPPOSITE[type(operator)]())
                case ast.BinOp() if type(node.op) in _MIXED_UP:
                    yield partial(put, "op", _MIXED_UP[type(node.op)]())
                case ast.BoolOp():
                    yield partial(put, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
                case ast.UnaryOp(op=ast.Not()):
                    yield partial(put, "operand", ast.UnaryOp(ast.Not(), node.operand))
                case ast.If() | ast.While() | ast.IfExp():
                    yield partial(put, "test", ast.UnaryOp(ast.Not(), node.test))
                case ast.Constant(value=bool() as value):
                    yield partial(put, "value", not value)
                case ast.Constant(value=int() | float() as value):
                    yield partial(put, "value", value + 1)
                case ast.Constant(value=str() as value):
                    yield partial(put, "value", value + "x")
                case ast.Return() if node.value is not None:
                    yield partial(put, "value", None)


def sample(count: int, seed: int) -> list[tuple[Item, str]]:
    """Mutants of the whole benchmark, `count` of them, each with its item; items take turns, so that none is left out."""
    generator = random.Random(seed)
    solutions = references()
    of_item = []
    for item in suite.items():
        found = list(mutants(solutions[item.id], item.expected["entry_point"]))
        generator.shuffle(found)
        of_item.append([(item, mutant) for mutant in found])
    rounds = [turn[i] for i in range(max(map(len, of_item))) for turn in of_item if i < len(turn)]
    return rounds[:count]


def survivors(chosen: list[tuple[Item, str]], parallel: int = 2) -> list[tuple[Item, str]]:
    """Those mutants that the checker takes for right."""

    def passes(pair: tuple[Item, str]) -> bool:
        return check(pair[0], Written(pair[1])).score == 1

    with ThreadPoolExecutor(parallel) as pool:
        return [pair for pair, alive in zip(chosen, pool.map(passes, chosen), strict=True) if alive]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    right = survivors([(item, references()[item.id]) for item in suite.items()])
    print(f"{len(right)} of {len(suite.items())} reference solutions pass")
    chosen = sample(args.count, args.seed)
    alive = survivors(chosen)
    for item, mutant in alive:
        print(f"--- {item.id} survives\n{mutant}", file=sys.stderr)
    killed = len(chosen) - len(alive)
    print(f"{killed} of {len(chosen)} mutants fail ({100 * killed / len(chosen):.1f} %)")


if __name__ == "__main__":
    main()
