"""The inbox of an agency: what others have done that concerns it, and whether it has taken note."""
