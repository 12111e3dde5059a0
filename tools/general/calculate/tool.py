"""What `calculate` takes and gives."""

from tools.contract import Frozen, Tool, Worked, quantity


class CalculateInput(Frozen):
    expression: str = quantity(
        "",
        "Arithmetic with + - * / ^ ( ), percent, pi, e, units, and abs min max round floor ceil sqrt exp ln log10 sin cos tan "
        "sum mean; `in` or `to` at the end converts. Decimal point; commas only group thousands or separate arguments",
        min_length=1,
        max_length=500,
        examples=["3.5 MW * 2 h in kWh", "189.2 * 115 %"],
    )


class CalculateOutput(Frozen):
    value: float = quantity("unit", "The result as a number, in the unit that the field `unit` names")
    exact: str = quantity("", "The same number exactly, as a decimal or a fraction; empty when it is irrational")
    unit: str = quantity("", "Unit of the result; empty for a pure number")
    text: str = quantity("", "The result with its unit, as one would write it")


class Calculate(Tool[CalculateInput, CalculateOutput]):
    """Works out an arithmetic expression exactly, and converts units."""

    name = "calculate"
    source = "V. Pratt, Top down operator precedence, POPL 1973; units as pint defines them"
    examples = (
        {"expression": "3.5 MW * 2 h in kWh"},
        {"expression": "189.2 * 115 %"},
        {"expression": "20 degC to K"},
        {"expression": "30 USD/MWh * 1,250.5 MWh"},
        {"expression": "(565.2 - 490.1) / 490.1 in %"},
        {"expression": "5 ft + 3 in in cm"},
    )
    worked = (
        Worked(
            question="What is 12 % of 850 km?",
            asked="12 % of 850 km",
            given="12 %, 850 km",
            calls=({"expression": "12 % * 850 km"},),
            answers=("a.text",),
        ),
        Worked(
            question="How many miles are 42 km?",
            asked="how many miles",
            given="42 km",
            calls=({"expression": "42 km in mile"},),
            answers=("a.text",),
        ),
        Worked(
            question="A pump draws 7.5 kW for 6 h at 0.30 USD per kWh. What does that cost?",
            asked="what does that cost",
            given="7.5 kW for 6 h at 0.30 USD per kWh",
            calls=({"expression": "7.5 kW * 6 h * 0.30 USD/kWh"},),
            answers=("a.text",),
        ),
    )
    keywords = (
        *(
            "arithmetic",
            "sum",
            "difference",
            "ratio",
            "product",
            "divide",
            "percent",
            "percentage",
            "convert",
            "conversion",
        ),
        *(
            "unit",
            "add",
            "subtract",
            "multiply",
            "square root",
            "average",
            "total",
            "times",
            "plus",
            "minus",
            "compute",
            "how many",
        ),
    )
    headline = ("text",)
    time_limit = 5.0
    inline = True  # the length, depth and size of an expression are bounded, so its time is too

    def __call__(self, inp: CalculateInput) -> CalculateOutput:
        from tools.general.calculate.expression import evaluate

        result = evaluate(inp.expression)
        return CalculateOutput(
            value=float(result.number), exact=result.exact_text(), unit=result.unit_text(), text=result.text()
        )
