"""What each member controls: its own lists, entered and signed by its officers, side by side for all members."""
