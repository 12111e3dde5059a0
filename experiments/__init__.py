"""Offline evaluation: suites of questions with known answers, the systems that take them, and honest statistics."""

import backprose as _house  # says clearly when another distribution shadows this package
