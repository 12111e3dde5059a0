"""The dashboard: pages that read the store and draw; what they compute stands in `ui.view`, and runs live elsewhere."""
