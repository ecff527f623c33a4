"""Seizure reports and zero-reports: filed, corrected, retracted, searched, disclosed."""
