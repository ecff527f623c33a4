"""Statistical disclosure control: which figures of records that a reader may count, but not see, may leave, and how.

Pure: values in, values out. The rules for a user of the figures are in `schemas/disclosure/README.md`; what a query
owes to this package is said here.

**What to ask.** A reader of aggregates asks for cells of the fixed hierarchies of `hierarchies.py` and nothing else: no
free period, no drawn area, no other filter, no ranking by hidden figures.

**What to hand over.** One `Cell` per combination of dimension values and owner (the country whose records they are),
over the records that the reader may count and may NOT see as rows (gate mask bit 28, not 26), each record once. An
owner's part is judged and disturbed by itself, or a contributor could subtract its own, and draw the noise anew by
filing one more. What the reader sees as rows is summed exactly, beside it. A cell has

- `events`: distinct records; `weighed`: those among them with a mass in the cell;
- `kg`: the sum of their masses; `largest`: the one or two largest masses of single records (a record's lines in the
  cell are added first), descending;
- `agency_largest`: the largest mass that any one agency of the owner has in the cell (the sum of its records);
- `key_sum`: the sum of `keys.record_key` of the distinct records, modulo 2^32.

**What a cube must carry** per scope (owner, kind, groups, handling, agency) and finest cell: `events`, `weighed`, `kg`,
`key_sum bigint`, `kg_max1`, `kg_max2`. Sums of cells give the sums, modulo 2^32 for the keys. They do so for events and
keys only where no record is in two of the cells: a record with two substances is in two, so a cube keeps a row of its
own for each level of the substance hierarchy. The largest two of a sum are the largest two of the parts' (again, where
no record is in two). `agency_largest` is the largest sum over the scopes of one agency. A maximum that a correction
made too large does no harm (more is withheld) until the nightly rebuild; one too small does, so an insert raises it.
`gate.record_key(uuid)` of migration 0026 computes the key in the database.

**Order of the answer.** `disclose` keeps the order given: give cells in the order of their dimension values, never of
figures. Cells that are withheld are left out of an answer; a cell that is not there has few records, or none.
"""

from service.disclosure.disclose import Cell, Disclosed, disclose
from service.disclosure.rules import MEMBERS, PUBLIC, Rules

__all__ = ["MEMBERS", "PUBLIC", "Cell", "Disclosed", "Rules", "disclose"]
