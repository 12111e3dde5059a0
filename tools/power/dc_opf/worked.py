"""Questions in plain words with the calls that answer them: how a small model learns to use `solve_dc_opf`.

The grids asked about are small ones, so that no demonstration gives away what is usually asked.
"""

from typing import Any

from tools.contract import Worked


def _call(grid: str, load_scale: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"grid": grid, "load_scale": load_scale, **more}


def _wind(bus: int, p_mw: float) -> list[dict[str, float]]:
    return [{"bus": bus, "p_mw": p_mw}]


WORKED = (
    Worked(
        question="How expensive is the best dispatch of the IEEE 96-bus grid when load is 8 % below nominal and line 4-5 is out?",
        asked="how expensive is the best dispatch",
        given="IEEE 96-bus grid, load is 8 % below nominal, line 4-5 is out",
        calls=(_call("IEEE 96-bus", 0.92, outages=["4-5"]),),
        answers=("a.cost",),
    ),
    Worked(
        question="What does the loss of line 3-4 add to the bill of case57?",
        asked="what does the loss of line 3-4 add to the bill",
        given="case57, loss of line 3-4",
        compare="difference",
        calls=(_call("case57", outages=["3-4"]), _call("case57")),
        answers=("a.cost - b.cost",),
    ),
    Worked(
        question="35 MW of solar feed in at bus 7. What is the price at bus 5 of the Danish grid, and which lines are full?",
        asked="what is the price at bus 5 and which lines are full",
        given="Danish grid, 35 MW of solar at bus 7",
        calls=(_call("Danish grid", renewables=_wind(7, 35), watch_bus=5),),
        answers=("a.watched_price", "a.binding_line_names"),
    ),
    Worked(
        question="By how many percent does 60 MW of wind at bus 12 lower the cost of the 39-bus system at a load of 97 %?",
        asked="by how many percent does the wind lower the cost",
        given="39-bus system, load of 97 %, 60 MW of wind at bus 12",
        compare="difference in percent",
        calls=(_call("39-bus", 0.97, renewables=_wind(12, 60)), _call("39-bus", 0.97)),
        answers=("(b.cost - a.cost) / b.cost * 100",),
    ),
    Worked(
        question="Demand on the 24-bus network climbs by a quarter. What do we pay per hour, and what does bus 9 pay per MWh?",
        asked="what do we pay per hour and what does bus 9 pay",
        given="24-bus network, demand climbs by a quarter",
        calls=(_call("24-bus", 1.25, watch_bus=9),),
        answers=("a.cost", "a.watched_price"),
    ),
    Worked(
        question="By what percentage does the cost of case14 go up when load rises from 92 % to 107 %?",
        asked="by what percentage does the cost go up from 92 % to 107 %",
        given="case14, load of 92 %, load of 107 %",
        compare="difference in percent",
        calls=(_call("case14", 1.07), _call("case14", 0.92)),
        answers=("(a.cost - b.cost) / b.cost * 100",),
    ),
    Worked(
        question="Suppose 50 MW of wind arrive at bus 8 of the IEEE 57-bus grid, line 9-11 is down. What does an hour cost?",
        asked="what does an hour cost",
        given="IEEE 57-bus grid, 50 MW of wind at bus 8, line 9-11 is down",
        calls=(_call("IEEE 57-bus", outages=["9-11"], renewables=_wind(8, 50)),),
        answers=("a.cost",),
    ),
    Worked(
        question="How much does 20 MW of wind at bus 3 of the 6-bus grid save while lines 1-2 and 2-5 are broken?",
        asked="how much does the wind save",
        given="6-bus grid, 20 MW of wind at bus 3, lines 1-2 and 2-5 are broken",
        compare="difference",
        calls=(
            _call("6-bus", outages=["1-2", "2-5"], renewables=_wind(3, 20)),
            _call("6-bus", outages=["1-2", "2-5"]),
        ),
        answers=("b.cost - a.cost",),
    ),
    Worked(
        question="How loaded is the fullest line of case89pegase with 45 MW of hydro at bus 6 at 90 percent load?",
        asked="how loaded is the fullest line",
        given="case89pegase, 45 MW of hydro at bus 6, 90 percent load",
        calls=(_call("case89pegase", 0.9, renewables=_wind(6, 45)),),
        answers=("a.max_line_loading_pct",),
    ),
    Worked(
        question="How much more per hour is the 9-bus grid at 118 % than at 103 % load?",
        asked="how much more at 118 % than at 103 %",
        given="9-bus grid, 118 % load, 103 % load",
        compare="difference",
        calls=(_call("9-bus", 1.18), _call("9-bus", 1.03)),
        answers=("a.cost - b.cost",),
    ),
    Worked(
        question="What does the generator at bus 31 of case39 produce at 84 % load, what flows over line 2-3 and how full is it?",
        asked="what does the generator at bus 31 produce, what flows over line 2-3, how full is it",
        given="case39, 84 % load",
        calls=(_call("case39", 0.84, watch_line="2-3", watch_generator="31"),),
        answers=("a.watched_output_mw", "a.watched_flow_mw", "a.watched_loading_pct"),
    ),
    Worked(
        question="At which bus is power dearest on the 9-bus grid at 105 % load, and which line is the fullest?",
        asked="at which bus is power dearest and which line is the fullest",
        given="9-bus grid, 105 % load",
        calls=(_call("9-bus", 1.05),),
        answers=("a.price_max_bus", "a.max_loaded_line"),
    ),
    Worked(
        question="The unit at bus 2 of the IEEE 14-bus grid is off and all line limits are cut to 80 %. What does an hour cost?",
        asked="what does an hour cost",
        given="IEEE 14-bus grid, unit at bus 2 is off, line limits cut to 80 %",
        calls=(_call("IEEE 14-bus", generator_outages=["2"], rating_scale=0.8),),
        answers=("a.cost",),
    ),
    Worked(
        question="Find the least cost of running the Dutch grid.",
        asked="find the least cost",
        given="Dutch grid",
        calls=(_call("Dutch grid"),),
        answers=("a.cost",),
    ),
)
