"""A read-only STAC API at ``/stac``: models by what they were made from and measured on, and where."""

from __future__ import annotations
