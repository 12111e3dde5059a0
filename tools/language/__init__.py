"""Tools that work with language models themselves."""
