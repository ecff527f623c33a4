"""The conditions of SQL text, and the text without each of them.

A condition is what stands between AND, OR, and the words that open and close one (WHERE, ON, WHEN, THEN …) at the same
depth of parentheses. Leaving a conjunct out puts `true` in its place, a disjunct `false`; a condition that stands
alone becomes `true`. No parser: tokens and depths are enough, and what comes out wrong does not run.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r":=|--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[A-Za-z_][A-Za-z_0-9]*|[0-9.]+|::|[<>=!~|&@#?^*/%+-]+|\S",
    re.DOTALL,
)
_OPENS = {"WHERE", "ON", "HAVING", "WHEN", "IF", "ELSIF", "USING", "CHECK", "NOT"}
_ENDS = {
    "WHERE", "GROUP", "ORDER", "WINDOW", "LIMIT", "UNION", "EXCEPT", "INTERSECT", "JOIN", "LEFT", "RIGHT", "CROSS",
    "INNER", "THEN", "ELSE", "END", "LOOP", "INTO", "FROM", "AS", "HAVING", "RETURNING", "ON", "WHEN", "SET", "SELECT",
    "IF", "ELSIF", "RETURN", "BEGIN", "CASE", "CONFLICT",
}  # fmt: skip


@dataclass(frozen=True)
class Token:
    word: str
    start: int
    end: int
    depth: int


@dataclass(frozen=True)
class Mutant:
    """The text without one condition, which stood at `line`."""

    text: str
    condition: str
    line: int


def tokens(sql: str) -> list[Token]:
    found, depth = [], 0
    for match in _TOKEN.finditer(sql):
        word = match.group()
        if word.startswith(("--", "/*")):
            continue
        if word in (")", "]"):
            depth -= 1
        found.append(Token(word.upper() if word[0].isalpha() else word, *match.span(), depth))
        if word in ("(", "["):
            depth += 1
    return found


def mutants(sql: str) -> Iterator[Mutant]:
    """Every text that lacks one condition."""
    listed = tokens(sql)
    seen = set()
    for index, token in enumerate(listed):
        spans = []
        if token.word in ("AND", "OR") and not _between(listed, index):
            instead = "true" if token.word == "AND" else "false"
            spans = [(*_left(listed, index), instead), (*_right(listed, index), instead)]
        elif token.word in _OPENS - {"NOT", "USING", "CHECK"}:
            spans = [(*_right(listed, index), "true")]
        for first, last, instead in spans:
            if first > last or (first, last) in seen:
                continue
            seen.add((first, last))
            start, end = listed[first].start, listed[last].end
            condition = " ".join(sql[start:end].split())
            if condition.upper() not in ("TRUE", "FALSE"):
                yield Mutant(f"{sql[:start]}{instead}{sql[end:]}", condition, sql.count("\n", 0, start) + 1)


def _between(listed: list[Token], index: int) -> bool:
    """Whether this AND belongs to a BETWEEN."""
    for token in reversed(listed[:index]):
        if token.depth < listed[index].depth or (token.depth == listed[index].depth and token.word in ("AND", "OR")):
            return False
        if token.depth == listed[index].depth and token.word == "BETWEEN":
            return True
    return False


def _stops(token: Token, depth: int) -> bool:
    return token.depth < depth or (token.depth == depth and token.word in _ENDS | {",", ";", ":="})


def _left(listed: list[Token], index: int) -> tuple[int, int]:
    first = index
    while first > 0 and not _bound(listed, first - 1, listed[index].depth):
        first -= 1
    return first, index - 1


def _right(listed: list[Token], index: int) -> tuple[int, int]:
    last, depth, cases = index, listed[index].depth, 0
    while last + 1 < len(listed):
        token = listed[last + 1]
        if token.depth == depth and token.word == "CASE":
            cases += 1
        elif cases and token.depth == depth and token.word == "END":
            cases -= 1
        elif not cases and _bound(listed, last + 1, depth):
            break
        last += 1
    return index + 1, last


def _bound(listed: list[Token], index: int, depth: int) -> bool:
    token = listed[index]
    if token.word in ("AND", "OR") and token.depth == depth:
        return not _between(listed, index)
    return _stops(token, depth)
