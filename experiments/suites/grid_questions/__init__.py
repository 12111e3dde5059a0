"""Questions about power grids that `solve_dc_opf` can answer, and some that nobody can."""

from experiments.suites.grid_questions.suite import GridQuestions

suite = GridQuestions()

__all__ = ["GridQuestions", "suite"]
