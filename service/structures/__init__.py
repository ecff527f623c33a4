"""Structures: a molecule as a laboratory writes it, what it is called, what it resembles, how it is drawn."""
