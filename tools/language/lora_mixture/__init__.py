"""Low-rank adapter experts of one language model, mixed token by token and layer by layer."""
