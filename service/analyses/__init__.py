"""Analyses: what laboratories find, judged by the evidence they name, and linked to the seizures they examined."""
