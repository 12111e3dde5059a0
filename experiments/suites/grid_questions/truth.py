"""What a question means apart from its wording: scenarios, and expressions over their optima, or why there is no answer.

A truth such as `{"scenarios": {"a": {"grid": "case30"}, "b": {"grid": "case30", "load_percent": 115}}, "asks": [{"is":
"b.cost - a.cost", "unit": "$/h"}]}` can be computed by any solver. The words of an expression are the attributes of `Outcome`.
"""

import ast
import operator
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from experiments.suites.grid_questions.outcome import Outcome
from experiments.suites.grid_questions.scenario import Scenario

Reason = Literal["unknown_grid", "unknown_element", "infeasible", "islanded"]
Unit = Literal["$/h", "$/MWh", "MW", "%", "1", "lines", ""]  # "lines" counts them; "" is for names


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ask(_Frozen):
    """One thing that is asked. `signed` is false where the wording leaves open which way a difference is taken."""

    expression: str = Field(alias="is")
    unit: Unit
    signed: bool = True


class Truth(_Frozen):
    """The meaning of a question; `refusal` says why it has no answer. An off-topic question has neither scenarios nor asks."""

    scenarios: dict[str, Scenario]
    asks: tuple[Ask, ...]
    refusal: Reason | None = None


OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def value_of(expression: str, outcomes: Mapping[str, Outcome]) -> Any:
    """The value of an expression such as `a.price(8) - a.price(1)`, `100 * (b.cost / a.cost - 1)` or `a.binding`."""

    def visit(node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return outcomes[name]
            case ast.Attribute(value=owner, attr=word) if not word.startswith("_"):
                return getattr(visit(owner), word)
            case ast.Call(func=function, args=arguments):
                return visit(function)(*map(visit, arguments))
            case ast.BinOp(left=left, op=op, right=right):
                return OPERATORS[type(op)](visit(left), visit(right))
        raise ValueError(f"{ast.unparse(node)} is no part of a truth")

    return visit(ast.parse(expression, mode="eval").body)
