"""The transparency logs: salted commitments, Merkle trees, signed checkpoints, receipts and proofs."""
