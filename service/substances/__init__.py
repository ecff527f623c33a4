"""The substance catalogue: entries, their names, units, and what a reported quantity weighs."""
