"""Each country's sharing policy: the document its officer signs, and the rules the gate enforces."""
