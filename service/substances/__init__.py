"""The substance catalogue: entries and their names, units, and the rules that turn a reported quantity into kilograms."""
