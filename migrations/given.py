"""Conditions of row security: which rows of a table a reader is given. For the migrations that made policies of them.

A row names its scope and the month in which it ended; what the scope gives is an integer in an array of the reader's
context (migration 0005), at the scope's place. The arrays are InitPlans, so a row costs one array access.
"""

ROWS, OWN, COUNTED, HIT, WINDOWED = (1 << bit for bit in (26, 27, 28, 29, 30))
LEVELS = ("instant", "day", "month", "undated", "point", "cell")
LEVEL = {level: 1 << bit for bit, level in enumerate(LEVELS, 20)}
DATED, UNDATED = LEVEL["instant"] | LEVEL["day"] | LEVEL["month"], LEVEL["undated"]


def mask(scope: str = "scope_id") -> str:
    """What the scope gives: facets, levels and flags."""
    return f"((SELECT gate.masks()))[{scope} + 1]"


def due(scope: str = "scope_id", month: str = "month_end", windowless: str = f"& {WINDOWED} = 0") -> str:
    """The delay, counted from the end of the month, is over, and the month lies in the event window, if there is one.

    Windows are looked up only where the mask says that there is one.
    """
    delay = f"((SELECT gate.delays()))[{scope} + 1]"
    return f"""({delay} = 0 OR {month} + {delay} <= current_date)
      AND ({mask(scope)} {windowless} OR {month} - DATE '1970-01-01'
        BETWEEN ((SELECT gate.windows_from()))[{scope} + 1] AND ((SELECT gate.windows_until()))[{scope} + 1])"""


def given(flags: int | str, scope: str = "scope_id", month: str = "month_end") -> str:
    """Rows whose scope has all of these flags, and that are due."""
    return f"{mask(scope)} & ({flags}) = ({flags}) AND {due(scope, month)}"


def given_in_order(*flags: int) -> str:
    """The same for tables of which pages are read in an order. Flags are tested one by one with `<>`: the planner takes
    an equation with something it cannot know for rare, and would sort a million rows instead of walking the index.
    """
    each = " AND ".join(f"{mask()} & {flag} <> 0" for flag in flags)
    return f"{each} AND {due(windowless=f'& {WINDOWED} <> {WINDOWED}')}"
