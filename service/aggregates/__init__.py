"""Figures for readers who may count records and not see them (`aggregate_only`): fixed hierarchies, disclosed.

What the same reader sees as rows is not in these figures: `/v1/trends` sums that exactly. See `service/disclosure`.
"""
