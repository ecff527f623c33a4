"""Questions across records: counts, sums, flows, places and changes, each no wider than the policies allow."""
