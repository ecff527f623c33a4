"""Early warning: what rules find in a reader's eyes, what people make of it, and how it reaches whom it concerns."""
