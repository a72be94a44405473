"""Lineage of Earth-observation models: what they learned from, where they were tested, and who says so."""

__version__ = "0.1.0"
