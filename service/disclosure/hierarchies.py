"""The fixed hierarchies: the only cells that aggregates under disclosure control are asked for.

time: year > quarter > month. place (of the seizure): region > country > admin1. substance: all > group > class >
substance, where the class of a substance is its highest ancestor in the catalogue within the same policy group, so that
every code lies in one class and every class in one group. A cell is one value of one level in each dimension.
"""

from typing import Literal

Time = Literal["year", "quarter", "month"]
Place = Literal["region", "country", "admin1"]
Substance = Literal["all", "group", "class", "substance"]
