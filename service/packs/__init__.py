"""Obligation packs: what a country owes to international bodies, from its own records, approved and frozen."""
