"""The public tier, off unless the operator turns it on: static releases of disclosed figures, approved by each owner.

proposed (an analyst or the coordinator: tables and period) → approved, country by country, by policy officers →
released (figures of the approved countries, hashed, signed, logged, never changed) → perhaps withdrawn. A correction is
the next version. Only what was released is public; the rules of the figures are `service/disclosure`.
"""
