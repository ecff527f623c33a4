"""Links: records that may belong together, proposed with reasons, confirmed by two people, undone by one."""
