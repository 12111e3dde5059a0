"""A run as one HTML page that stands alone."""

from ui.export.page import export_html

__all__ = ["export_html"]
