"""Sarhad: signed seizure reports in, shared evidence out, under each country's own policy.

A folder is a feature. A file beside the folders is the floor that every feature stands on.
"""
