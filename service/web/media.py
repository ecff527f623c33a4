"""What a route takes and gives, for its description in the contract: bodies that FastAPI does not read itself."""

from typing import Any


def takes(media_type: str) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": {"type": "string"}}}}}


def gives(*media_types: str, status: int = 200, text: str = "Successful Response") -> dict[int | str, Any]:
    return {status: {"description": text, "content": {media_type: {} for media_type in media_types}}}
