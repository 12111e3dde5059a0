"""The command line: nouns with verbs, results on stdout, progress and complaints on stderr."""

from ui.cli.main import app

__all__ = ["app"]
