"""Rehearsal of a highly available exchange."""
