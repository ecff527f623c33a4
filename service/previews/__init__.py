"""What a policy would do, before it does: another reader's view of one's own records, and who would gain or lose."""
