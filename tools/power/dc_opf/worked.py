"""Questions in plain words with the calls that answer them: how a small model learns to use `solve_dc_opf`.

The grids asked about are small ones, so that no demonstration gives away what is usually asked. The first eight stand before
every question; of the others, those nearest to it in words.
"""

from typing import Any

from tools.contract import Worked


def _call(grid: str, load_scale: float = 1.0, **more: Any) -> dict[str, Any]:
    return {"grid": grid, "load_scale": load_scale, **more}


def _wind(*at: tuple[int, float]) -> list[dict[str, float]]:
    return [{"bus": bus, "p_mw": p_mw} for bus, p_mw in at]


WORKED = (
    Worked(
        question="How expensive is the best dispatch of the IEEE 96-bus grid when load is 8 % below nominal and "
        "line 4-5 is out?",
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
        calls=(
            _call("case57", outages=["3-4"]),
            _call("case57"),
        ),
        answers=("a.cost - b.cost",),
    ),
    Worked(
        question="35 MW of solar feed in at bus 7. What is the price at bus 5 of the Danish grid, and which lines are full?",
        asked="what is the price at bus 5 and which lines are full",
        given="Danish grid, 35 MW of solar at bus 7",
        calls=(_call("Danish grid", renewables=_wind((7, 35))),),
        answers=(
            "a.watched_price[5]",
            "a.binding_line_names",
        ),
    ),
    Worked(
        question="By how many percent does 60 MW of wind at bus 12 lower the cost of the 39-bus system at a load of 97 %?",
        asked="by how many percent does the wind lower the cost",
        given="39-bus system, load of 97 %, 60 MW of wind at bus 12",
        compare="difference in percent",
        calls=(
            _call("39-bus", 0.97, renewables=_wind((12, 60))),
            _call("39-bus", 0.97),
        ),
        answers=("(b.cost - a.cost) / b.cost * 100",),
    ),
    Worked(
        question="Demand on the 24-bus network climbs by a quarter. What do we pay per hour, and what does bus 9 "
        "pay per MWh?",
        asked="what do we pay per hour and what does bus 9 pay",
        given="24-bus network, demand climbs by a quarter",
        calls=(_call("24-bus", 1.25),),
        answers=(
            "a.cost",
            "a.watched_price[9]",
        ),
    ),
    Worked(
        question="How much more per hour is the 9-bus grid at 118 % than at 103 % load?",
        asked="how much more at 118 % than at 103 %",
        given="9-bus grid, 118 % load, 103 % load",
        compare="difference",
        calls=(
            _call("9-bus", 1.18),
            _call("9-bus", 1.03),
        ),
        answers=("a.cost - b.cost",),
    ),
    Worked(
        question="What does the generator at bus 31 of case39 produce at 84 % load, what flows over line 2-3 and "
        "how full is it?",
        asked="what does the generator at bus 31 produce, what flows over line 2-3, how full is it",
        given="case39, 84 % load",
        calls=(_call("case39", 0.84),),
        answers=(
            "a.watched_output_mw[31]",
            "a.watched_flow_mw[2-3]",
            "a.watched_loading_pct[2-3]",
        ),
    ),
    Worked(
        question="How much does 20 MW of wind at bus 3 of the 6-bus grid save while lines 1-2 and 2-5 are broken?",
        asked="how much does the wind save",
        given="6-bus grid, 20 MW of wind at bus 3, lines 1-2 and 2-5 are broken",
        compare="difference",
        calls=(
            _call("6-bus", outages=["1-2", "2-5"], renewables=_wind((3, 20))),
            _call("6-bus", outages=["1-2", "2-5"]),
        ),
        answers=("b.cost - a.cost",),
    ),
    Worked(
        question="The unit at bus 2 of the IEEE 14-bus grid is off and all line limits are cut to 80 %. What "
        "does an hour cost?",
        asked="what does an hour cost",
        given="IEEE 14-bus grid, unit at bus 2 is off, line limits cut to 80 %",
        calls=(_call("IEEE 14-bus", generator_outages=["2"], rating_scale=0.8),),
        answers=("a.cost",),
    ),
    Worked(
        question="At which bus is power dearest on the 9-bus grid at 105 % load, and which line is the fullest?",
        asked="at which bus is power dearest and which line is the fullest",
        given="9-bus grid, 105 % load",
        calls=(_call("9-bus", 1.05),),
        answers=(
            "a.price_max_bus",
            "a.max_loaded_line",
        ),
    ),
    Worked(
        question="Find the least cost of running the Dutch grid.",
        asked="find the least cost",
        given="Dutch grid",
        calls=(_call("Dutch grid"),),
        answers=("a.cost",),
    ),
    Worked(
        question="Everyone on the 57-bus system uses three tenths more than normal. What would the cheapest "
        "operation be per hour?",
        asked="what would the cheapest operation be per hour",
        given="57-bus system, everyone uses three tenths more than normal",
        calls=(_call("57-bus", 1.3),),
        answers=("a.cost",),
    ),
    Worked(
        question="Demand of case24_ieee_rts is down to four fifths of its usual level tonight: minimal hourly bill?",
        asked="minimal hourly bill",
        given="case24_ieee_rts, demand down to four fifths",
        calls=(_call("case24_ieee_rts", 0.8),),
        answers=("a.cost",),
    ),
    Worked(
        question="Objective of the DC optimal power flow for the 89-bus PEGASE model with a load multiplier of 0.93?",
        asked="objective of the DC optimal power flow",
        given="89-bus PEGASE model, load multiplier of 0.93",
        calls=(_call("89-bus PEGASE", 0.93),),
        answers=("a.cost",),
    ),
    Worked(
        question="case9: optimum cost if consumption falls 13 percent",
        asked="optimum cost",
        given="case9, consumption falls 13 percent",
        calls=(_call("case9", 0.87),),
        answers=("a.cost",),
    ),
    Worked(
        question="What total cost do I get for the New England 39-bus grid when every load grows by 6 %?",
        asked="what total cost",
        given="New England 39-bus grid, every load grows by 6 %",
        calls=(_call("New England 39-bus", 1.06),),
        answers=("a.cost",),
    ),
    Worked(
        question="The line from bus 5 to bus 6 of the 24-bus grid has tripped, demand is at 94 %. Least cost of supply?",
        asked="least cost of supply",
        given="24-bus grid, line from bus 5 to bus 6 has tripped, demand is at 94 %",
        calls=(_call("24-bus", 0.94, outages=["5-6"]),),
        answers=("a.cost",),
    ),
    Worked(
        question="With the circuits 4-14, 6-7 and 16-19 of case39 all open, what is the cheapest way to run it?",
        asked="what is the cheapest way to run it",
        given="case39, circuits 4-14, 6-7 and 16-19 open",
        calls=(_call("case39", outages=["4-14", "6-7", "16-19"]),),
        answers=("a.cost",),
    ),
    Worked(
        question="Branch 2-4 is being repaired and 9 MW of rooftop solar arrive at node 5 of the five-bus case. "
        "Lowest cost?",
        asked="lowest cost",
        given="five-bus case, branch 2-4 being repaired, 9 MW of rooftop solar at node 5",
        calls=(_call("five-bus", outages=["2-4"], renewables=_wind((5, 9))),),
        answers=("a.cost",),
    ),
    Worked(
        question="We take the power plant at bus 8 of the 57-bus grid off the net while load is 11 % low. What "
        "does running it cost?",
        asked="what does running it cost",
        given="57-bus grid, power plant at bus 8 off, load is 11 % low",
        calls=(_call("57-bus", 0.89, generator_outages=["8"]),),
        answers=("a.cost",),
    ),
    Worked(
        question="How costly is case14 if every branch may carry only 70 % of its rating at 98 % load?",
        asked="how costly is case14",
        given="case14, every branch may carry 70 % of its rating, 98 % load",
        calls=(_call("case14", 0.98, rating_scale=0.7),),
        answers=("a.cost",),
    ),
    Worked(
        question="Two solar farms of 18 MW at bus 10 and 24 MW at bus 13, and 30 MW of wind at bus 3, join "
        "case14. What do the other plants cost per hour?",
        asked="what do the other plants cost per hour",
        given="case14, 18 MW at bus 10, 24 MW at bus 13, 30 MW at bus 3",
        calls=(_call("case14", renewables=_wind((10, 18), (13, 24), (3, 30))),),
        answers=("a.cost",),
    ),
    Worked(
        question="Suppose 50 MW of wind arrive at bus 8 of the IEEE 57-bus grid, line 9-11 is down and the load "
        "is at 103 %. What does an hour cost?",
        asked="what does an hour cost",
        given="IEEE 57-bus grid, 50 MW of wind at bus 8, line 9-11 is down, load is at 103 %",
        calls=(_call("IEEE 57-bus", 1.03, outages=["9-11"], renewables=_wind((8, 50))),),
        answers=("a.cost",),
    ),
    Worked(
        question="Which branches of the 39-bus network run into their limit once load is up by 12 %?",
        asked="which branches run into their limit",
        given="39-bus network, load is up by 12 %",
        calls=(_call("39-bus", 1.12),),
        answers=("a.binding_line_names",),
    ),
    Worked(
        question="Is anything congested in case9 with 40 MW of wind at bus 6? Name the bottlenecks.",
        asked="name the bottlenecks",
        given="case9, 40 MW of wind at bus 6",
        calls=(_call("case9", renewables=_wind((6, 40))),),
        answers=("a.binding_line_names",),
    ),
    Worked(
        question="Are there lines at capacity in the Dutch grid at 91 % demand? If so, which?",
        asked="are there lines at capacity, and which",
        given="Dutch grid, 91 % demand",
        calls=(_call("Dutch grid", 0.91),),
        answers=("a.binding_line_names",),
    ),
    Worked(
        question="Where does the 6-bus network reach its transmission limits when 12 MW of solar come in at bus 5?",
        asked="where does the network reach its transmission limits",
        given="6-bus network, 12 MW of solar at bus 5",
        calls=(_call("6-bus", renewables=_wind((5, 12))),),
        answers=("a.binding_line_names",),
    ),
    Worked(
        question="Does the IEEE 14-bus case saturate any of its circuits with demand x1.2?",
        asked="does it saturate any of its circuits",
        given="IEEE 14-bus case, demand x1.2",
        calls=(_call("IEEE 14-bus", 1.2),),
        answers=("a.binding_line_names",),
    ),
    Worked(
        question="How many branches of case89pegase are congested when demand is 7 % lower?",
        asked="how many branches are congested",
        given="case89pegase, demand is 7 % lower",
        calls=(_call("case89pegase", 0.93),),
        answers=("a.binding_line_count",),
    ),
    Worked(
        question="How loaded is the fullest line of case89pegase with 45 MW of hydro at bus 6 at 90 percent load?",
        asked="how loaded is the fullest line",
        given="case89pegase, 45 MW of hydro at bus 6, 90 percent load",
        calls=(_call("case89pegase", 0.9, renewables=_wind((6, 45))),),
        answers=("a.max_line_loading_pct",),
    ),
    Worked(
        question="Which line of the 14-bus system comes closest to its rating without line 2-3?",
        asked="which line comes closest to its rating",
        given="14-bus system, without line 2-3",
        calls=(_call("14-bus", outages=["2-3"]),),
        answers=("a.max_loaded_line",),
    ),
    Worked(
        question="To what percentage is line 7-8 of the 24-bus system loaded when line 9-12 is gone?",
        asked="to what percentage is line 7-8 loaded",
        given="24-bus system, line 9-12 is gone",
        calls=(_call("24-bus", outages=["9-12"]),),
        answers=("a.watched_loading_pct[7-8]",),
    ),
    Worked(
        question="How many MW go from bus 4 to bus 9 of case14 with load 10 % over nominal?",
        asked="how many MW go from bus 4 to bus 9",
        given="case14, load 10 % over nominal",
        calls=(_call("case14", 1.1),),
        answers=("a.watched_flow_mw[4-9]",),
    ),
    Worked(
        question="If demand is 3 % over nominal, which LMP do we have to expect at bus 12 of the 57-bus grid?",
        asked="which LMP do we have to expect at bus 12",
        given="57-bus grid, demand is 3 % over nominal",
        calls=(_call("57-bus", 1.03),),
        answers=("a.watched_price[12]",),
    ),
    Worked(
        question="Nodal price at bus 22 of the IEEE 24-bus system, 109 % load?",
        asked="nodal price at bus 22",
        given="IEEE 24-bus system, 109 % load",
        calls=(_call("IEEE 24-bus", 1.09),),
        answers=("a.watched_price[22]",),
    ),
    Worked(
        question="What would an extra megawatt-hour cost a customer at node 17 of case39 while 4-5 is out?",
        asked="what would an extra megawatt-hour cost at node 17",
        given="case39, 4-5 is out",
        calls=(_call("case39", outages=["4-5"]),),
        answers=("a.watched_price[17]",),
    ),
    Worked(
        question="Where is power cheapest in case24_ieee_rts, and what does it cost there?",
        asked="where is power cheapest and what does it cost there",
        given="case24_ieee_rts",
        calls=(_call("case24_ieee_rts"),),
        answers=(
            "a.price_min_bus",
            "a.price_min",
        ),
    ),
    Worked(
        question="Highest and mean LMP of the 57-bus grid at 0.95 times its load?",
        asked="highest and mean LMP",
        given="57-bus grid, 0.95 times its load",
        calls=(_call("57-bus", 0.95),),
        answers=(
            "a.price_max",
            "a.price_mean",
        ),
    ),
    Worked(
        question="How far apart are the highest and the lowest price in case5?",
        asked="how far apart are the highest and the lowest price",
        given="case5",
        calls=(_call("case5"),),
        answers=("a.price_max - a.price_min",),
    ),
    Worked(
        question="What is the average price of power in the 9-bus case after losing 5-6?",
        asked="what is the average price",
        given="9-bus case, after losing 5-6",
        calls=(_call("9-bus", outages=["5-6"]),),
        answers=("a.price_mean",),
    ),
    Worked(
        question="Price difference between nodes 4 and 8 of the 14-bus system, 93 % load?",
        asked="price difference between nodes 4 and 8",
        given="14-bus system, 93 % load",
        calls=(_call("14-bus", 0.93),),
        answers=("a.watched_price[4] - a.watched_price[8]",),
    ),
    Worked(
        question="Peak loading over all lines (in %) of case39 while load is down 9 %?",
        asked="peak loading over all lines",
        given="case39, load is down 9 %",
        calls=(_call("case39", 0.91),),
        answers=("a.max_line_loading_pct",),
    ),
    Worked(
        question="What share of its capacity does line 11-14 of the 24-bus grid use at base load?",
        asked="what share of its capacity does line 11-14 use",
        given="24-bus grid, base load",
        calls=(_call("24-bus"),),
        answers=("a.watched_loading_pct[11-14]",),
    ),
    Worked(
        question="How much does one additional MWh cost at bus 3 of case9 when demand is 4 % above nominal?",
        asked="how much does one additional MWh cost at bus 3",
        given="case9, demand is 4 % above nominal",
        calls=(_call("case9", 1.04),),
        answers=("a.watched_price[3]",),
    ),
    Worked(
        question="How much power do consumers of the 57-bus grid take when demand is 3 % under nominal?",
        asked="how much power do consumers take",
        given="57-bus grid, demand is 3 % under nominal",
        calls=(_call("57-bus", 0.97),),
        answers=("a.load_mw",),
    ),
    Worked(
        question="How strongly does the plant at bus 3 of case6ww run at 108 % load with line 1-4 down?",
        asked="how strongly does the plant at bus 3 run",
        given="case6ww, 108 % load, line 1-4 down",
        calls=(_call("case6ww", 1.08, outages=["1-4"]),),
        answers=("a.watched_output_mw[3]",),
    ),
    Worked(
        question="How many dollars per hour would we save if demand in case57 fell from 104 % to 96 %?",
        asked="how many dollars would we save from 104 % to 96 %",
        given="case57, demand 104 %, demand 96 %",
        compare="difference",
        calls=(
            _call("case57", 0.96),
            _call("case57", 1.04),
        ),
        answers=("b.cost - a.cost",),
    ),
    Worked(
        question="By what percentage does the cost of case14 go up when load rises from 92 % to 107 %?",
        asked="by what percentage does the cost go up from 92 % to 107 %",
        given="case14, load of 92 %, load of 107 %",
        compare="difference in percent",
        calls=(
            _call("case14", 1.07),
            _call("case14", 0.92),
        ),
        answers=("(a.cost - b.cost) / b.cost * 100",),
    ),
    Worked(
        question="How many percent cheaper is the 24-bus grid at 85 % load than at nominal load?",
        asked="how many percent cheaper at 85 % than at nominal load",
        given="24-bus grid, 85 % load, nominal load",
        compare="difference in percent",
        calls=(
            _call("24-bus", 0.85),
            _call("24-bus"),
        ),
        answers=("(b.cost - a.cost) / b.cost * 100",),
    ),
    Worked(
        question="What extra cost per hour do we face in case39 at 106 % load if line 16-17 fails?",
        asked="what extra cost if line 16-17 fails",
        given="case39, 106 % load, line 16-17 fails",
        compare="difference",
        calls=(
            _call("case39", 1.06, outages=["16-17"]),
            _call("case39", 1.06),
        ),
        answers=("a.cost - b.cost",),
    ),
    Worked(
        question="In the 14-bus system running at 88 % load, what is 15 MW of wind at bus 9 worth per hour?",
        asked="what is the wind worth per hour",
        given="14-bus system, 88 % load, 15 MW of wind at bus 9",
        compare="difference",
        calls=(
            _call("14-bus", 0.88, renewables=_wind((9, 15))),
            _call("14-bus", 0.88),
        ),
        answers=("b.cost - a.cost",),
    ),
    Worked(
        question="With 70 MW of solar at bus 20 of case39, how much does the outage of line 8-9 cost us in percent?",
        asked="how much does the outage cost in percent",
        given="case39, 70 MW of solar at bus 20, outage of line 8-9",
        compare="difference in percent",
        calls=(
            _call("case39", outages=["8-9"], renewables=_wind((20, 70))),
            _call("case39", renewables=_wind((20, 70))),
        ),
        answers=("(a.cost - b.cost) / b.cost * 100",),
    ),
    Worked(
        question="Compared with normal operation, how much dearer does the failure of the generator at bus 7 "
        "make the 24-bus grid?",
        asked="how much dearer does the failure of the generator make it",
        given="24-bus grid, failure of the generator at bus 7",
        compare="difference",
        calls=(
            _call("24-bus", generator_outages=["7"]),
            _call("24-bus"),
        ),
        answers=("a.cost - b.cost",),
    ),
    Worked(
        question="How much higher is the price at bus 6 than at bus 11 of case57 with load at 102 %?",
        asked="how much higher at bus 6 than at bus 11",
        given="case57, load at 102 %",
        calls=(_call("case57", 1.02),),
        answers=("a.watched_price[6] - a.watched_price[11]",),
    ),
    Worked(
        question="By how much does the price at bus 14 of the 24-bus grid rise if load grows by 9 %?",
        asked="by how much does the price at bus 14 rise if load grows by 9 %",
        given="24-bus grid, load grows by 9 %",
        compare="difference",
        calls=(
            _call("24-bus", 1.09),
            _call("24-bus"),
        ),
        answers=("a.watched_price[14] - b.watched_price[14]",),
    ),
    Worked(
        question="By how many MW does the flow on line 7-8 of case9 change when 4-9 is opened?",
        asked="by how many MW does the flow on line 7-8 change",
        given="case9, 4-9 is opened",
        compare="difference",
        calls=(
            _call("case9", outages=["4-9"]),
            _call("case9"),
        ),
        answers=("a.watched_flow_mw[7-8] - b.watched_flow_mw[7-8]",),
    ),
    Worked(
        question="How many times as much does an hour of case14 cost at 112 % load as at 56 %?",
        asked="how many times as much at 112 % as at 56 %",
        given="case14, 112 % load, 56 % load",
        compare="ratio",
        calls=(
            _call("case14", 1.12),
            _call("case14", 0.56),
        ),
        answers=("a.cost / b.cost",),
    ),
    Worked(
        question="Output of the plant at bus 3 minus output of the plant at bus 2 on the 9-bus system, 95 % load?",
        asked="output at bus 3 minus output at bus 2",
        given="9-bus system, 95 % load",
        calls=(_call("9-bus", 0.95),),
        answers=("a.watched_output_mw[3] - a.watched_output_mw[2]",),
    ),
    Worked(
        question="Which percentage of the generation in the 14-bus network stems from the plant at bus 2?",
        asked="which percentage of the generation stems from the plant at bus 2",
        given="14-bus network",
        calls=(_call("14-bus"),),
        answers=("a.watched_output_mw[2] / a.generation_mw * 100",),
    ),
    Worked(
        question="Is case9 or case5 dearer to run, and by what amount per hour?",
        asked="by what amount is one dearer",
        given="case9, case5",
        compare="difference",
        calls=(
            _call("case9"),
            _call("case5"),
        ),
        answers=("b.cost - a.cost",),
    ),
    Worked(
        question="Does losing unit 3 or losing unit 2 burden the 9-bus grid more, and by how many $/h?",
        asked="by how many $/h does one loss burden more",
        given="9-bus grid, losing unit 3, losing unit 2",
        compare="difference",
        calls=(
            _call("9-bus", generator_outages=["3"]),
            _call("9-bus", generator_outages=["2"]),
        ),
        answers=("b.cost - a.cost",),
    ),
    Worked(
        question="If everybody on the 24-bus grid uses 6 % less, how many percent of the cost disappear?",
        asked="how many percent of the cost disappear",
        given="24-bus grid, 6 % less",
        compare="difference in percent",
        calls=(
            _call("24-bus", 0.94),
            _call("24-bus"),
        ),
        answers=("(b.cost - a.cost) / b.cost * 100",),
    ),
    Worked(
        question="Measured against its limit, the single hardest working line of the 39-bus grid is which one?",
        asked="which line works hardest",
        given="39-bus grid",
        calls=(_call("39-bus"),),
        answers=("a.max_loaded_line",),
    ),
    Worked(
        question="Largest utilisation of any line in the 14-bus network, in percent, with demand 8 % up?",
        asked="largest utilisation of any line in percent",
        given="14-bus network, demand 8 % up",
        calls=(_call("14-bus", 1.08),),
        answers=("a.max_line_loading_pct",),
    ),
    Worked(
        question="What is an MWh worth at bus 7 of the 14-bus system while 6 % more is consumed?",
        asked="what is an MWh worth at bus 7",
        given="14-bus system, 6 % more is consumed",
        calls=(_call("14-bus", 1.06),),
        answers=("a.watched_price[7]",),
    ),
    Worked(
        question="Whoever buys in the cheapest corner of the 24-bus grid pays what per MWh, demand being 12 % up?",
        asked="what per MWh is paid in the cheapest corner",
        given="24-bus grid, demand 12 % up",
        calls=(_call("24-bus", 1.12),),
        answers=("a.price_min",),
    ),
    Worked(
        question="Loads of case24_ieee_rts are 4 % short of nominal: price at bus 7 minus price at bus 15?",
        asked="price at bus 7 minus price at bus 15",
        given="case24_ieee_rts, 4 % short of nominal",
        calls=(_call("case24_ieee_rts", 0.96),),
        answers=("a.watched_price[7] - a.watched_price[15]",),
    ),
    Worked(
        question="Under least-cost dispatch of case9, how many megawatts more come from the generator at bus 2 than from the "
        "one at bus 3?",
        asked="how many megawatts more come from the generator at bus 2 than from the one at bus 3",
        given="case9",
        calls=(_call("case9"),),
        answers=("a.watched_output_mw[2] - a.watched_output_mw[3]",),
    ),
    Worked(
        question="While the power plant at bus 3 of the 14-bus grid is being overhauled, with consumption 6 % low, what does "
        "generation cost in an hour?",
        asked="what does generation cost in an hour",
        given="14-bus grid, power plant at bus 3 is being overhauled, consumption 6 % low",
        calls=(_call("14-bus", 0.94, generator_outages=["3"]),),
        answers=("a.cost",),
    ),
    Worked(
        question="Electric cars raise every load of case24_ieee_rts by 7 %. Which percentage does that put on the hourly bill?",
        asked="which percentage does that put on the hourly bill",
        given="case24_ieee_rts, every load raised by 7 %",
        compare="difference in percent",
        calls=(
            _call("case24_ieee_rts", 1.07),
            _call("case24_ieee_rts"),
        ),
        answers=("(a.cost - b.cost) / b.cost * 100",),
    ),
    Worked(
        question="Where power is cheapest on the 39-bus grid, what is charged for a megawatt-hour at 104 % load?",
        asked="what is charged for a megawatt-hour, where power is cheapest",
        given="39-bus grid, 104 % load",
        calls=(_call("39-bus", 1.04),),
        answers=("a.price_min",),
    ),
    Worked(
        question="Best dispatch of the 14-bus grid, nothing changed: how many MW are carried by line 4-9?",
        asked="how many MW are carried by line 4-9",
        given="14-bus grid, nothing changed",
        calls=(_call("14-bus"),),
        answers=("a.watched_flow_mw[4-9]",),
    ),
)
