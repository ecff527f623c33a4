"""Impurity profiles: declared methods, what is comparable within one, its neighbours, and what a likeness is worth."""
