"""What an agency keeps of a record: the signed record, the receipt, and the proof once it is known.

One JSON file, verified offline: `record`, `receipt`, and optionally `record_key` and `service_key` (JWK) and
`proof` (index, size, path, checkpoint) as `GET /v1/seizures/{id}/proof` answers; `successions` are each service key's
word for the next (`succession`), as the log may have signed with one that followed; `witnessed` is a cosigned
`checkpoint` and the `path` which proves that it begins with the tree of `proof` (RFC 6962 §2.1.2, base64url).
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import orjson

from sarhad.errors import InputError


@dataclass
class Evidence:
    record: str
    receipt: str | None = None
    record_key: dict[str, str] | None = None
    service_key: dict[str, str] | None = None
    proof: dict[str, Any] | None = None
    successions: list[str] = field(default_factory=list)
    witnessed: dict[str, Any] | None = None
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def save(self, path: Path) -> None:
        kept = {name: value for name, value in asdict(self).items() if value}
        path.write_bytes(orjson.dumps(kept, option=orjson.OPT_INDENT_2) + b"\n")

    @classmethod
    def load(cls, source: bytes) -> Self:
        """From such a file, or from a bare record. Raises InputError."""
        text = source.strip()
        if not text.startswith(b"{"):
            try:
                return cls(record=text.decode("ascii"))
            except UnicodeDecodeError:
                raise InputError("This is neither a record nor kept evidence.") from None
        try:
            found = cls(**orjson.loads(text))
            if not all(isinstance(one, str) for one in found.successions):
                raise TypeError
            return found
        except (ValueError, TypeError):
            raise InputError("This is not evidence as `sarhad submit --save` writes it.") from None
