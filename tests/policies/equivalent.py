"""Conditions of the gate whose absence changes no answer, and why."""

EQUIVALENT: dict[str, str] = {}
