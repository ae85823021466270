"""Altair charts: one object serves the page, PNG, SVG and the notebook."""
