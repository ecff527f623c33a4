"""Text that a spreadsheet opens without running it (OWASP, CSV Injection)."""

# What begins a formula, in the widths that East Asian input methods give too.
_FORMULA = frozenset("=+-@＝＋－＠")
_CONTROL = frozenset("\t\r\n")


def safe(text: str) -> str:
    """With an apostrophe before what a spreadsheet would take for a formula."""
    if text and (text[0] in _CONTROL or text.lstrip()[:1] in _FORMULA):
        return "'" + text
    return text
