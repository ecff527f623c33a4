"""Precursors, laboratories and products on one line of time."""
