"""Questions in plain words with the calls that answer them: how a small model learns to use `analyze_pressure_transient`."""

from tools.contract import Worked

WORKED = (
    Worked(
        question=(
            "An aquifer has a transmissivity of 310 m2/d and a storativity of 0.0004. A well pumps 520 m3/d. "
            "What is the drawdown 25 m away after 90 min?"
        ),
        asked="what is the drawdown 25 m away after 90 min",
        given="aquifer, transmissivity of 310 m2/d, storativity of 0.0004, pumps 520 m3/d",
        calls=(
            {
                "units": "metric",
                "k": 310,
                "storativity": 0.0004,
                "q": 520,
                "radius": 25,
                "time": 90,
                "time_unit": "min",
            },
        ),
        answers=("a.drawdown",),
    ),
    Worked(
        question=(
            "An oil well of radius 0.4 ft makes 250 STB/d from a 40 ft layer, k = 35 mD, porosity 0.18, viscosity 1.5 cp, "
            "ct = 1.2e-5 1/psi, B = 1.2, in a sealed circle of radius 1800 ft. What is the pressure drop"
            " at the well after 3 days?"
        ),
        asked="what is the pressure drop at the well after 3 days",
        given="oil well, radius 0.4 ft, 250 STB/d, 40 ft, 35 mD, porosity 0.18, 1.5 cp, ct 1.2e-5, B 1.2, sealed circle 1800 ft",
        calls=(
            {
                "geometry": "radial_bounded",
                "units": "field",
                "k": 35,
                "phi": 0.18,
                "mu": 1.5,
                "ct": 1.2e-5,
                "h": 40,
                "B": 1.2,
                "q": 250,
                "rw": 0.4,
                "re": 1800,
                "time": 3,
                "time_unit": "d",
            },
        ),
        answers=("a.change_psi",),
    ),
    Worked(
        question=(
            "A well pumps 400 m3/d; a piezometer 20 m away fell by 0.08 m at 1 min, 0.15 m at 2 min, 0.25 m at 5 min, "
            "0.33 m at 10 min, 0.41 m at 20 min, 0.52 m at 50 min, 0.60 m at 100 min and 0.68 m at 200 min. "
            "How large are transmissivity and storativity?"
        ),
        asked="how large are transmissivity and storativity",
        given="pumps 400 m3/d, piezometer 20 m away, 8 readings in min",
        calls=(
            {
                "mode": "inverse",
                "units": "metric",
                "q": 400,
                "time_unit": "min",
                "unknowns": ["k", "S"],
                "observations": [
                    [t, v, 20]
                    for t, v in (
                        *((1, 0.08), (2, 0.15), (5, 0.25), (10, 0.33)),
                        *((20, 0.41), (50, 0.52), (100, 0.60), (200, 0.68)),
                    )
                ],
            },
        ),
        answers=("a.transmissivity", "a.storativity"),
    ),
    Worked(
        question=(
            "How much more does a well pumping 600 m3/d lower the water at 15 m after 4 d when a sealing fault is 120 m away? "
            "T is 200 m2/d and S is 0.001."
        ),
        asked="how much more does it lower the water when a sealing fault is 120 m away",
        given="600 m3/d, at 15 m, after 4 d, T 200 m2/d, S 0.001",
        compare="difference",
        calls=(
            {
                "geometry": "sealing_fault",
                "units": "metric",
                "k": 200,
                "storativity": 0.001,
                "q": 600,
                "distance": 120,
                "radius": 15,
                "time": 4,
                "time_unit": "d",
            },
            {
                "geometry": "radial_infinite",
                "units": "metric",
                "k": 200,
                "storativity": 0.001,
                "q": 600,
                "radius": 15,
                "time": 4,
                "time_unit": "d",
            },
        ),
        answers=("a.drawdown - b.drawdown",),
    ),
)
