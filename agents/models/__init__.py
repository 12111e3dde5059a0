"""The only door to language models: names, budget, cache, retries, providers."""
