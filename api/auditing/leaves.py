"""The leaf, its digests and the root, as openapi/FOLD.md says them: a second opinion, which imports nothing of ours."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

ADDED_BY_THE_WIRE = {"leafHash", "undoneBy", "inRequest", "disclosures", "meta"}


def canonical_json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def leaf_of(item: Mapping[str, Any]) -> bytes:
    return canonical_json({name: value for name, value in item.items() if name not in ADDED_BY_THE_WIRE})


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1: the root over leaves, split at the largest power of two below their number."""
    if len(leaves) < 2:
        return sha256(b"\0" + leaves[0] if leaves else b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1" + tree_hash(leaves[:split]) + tree_hash(leaves[split:])).digest()


def belongs(disclosure: Mapping[str, Any]) -> bool:
    """Whether a text is the one under its digest."""

    def base64url(content: bytes) -> bytes:
        return urlsafe_b64encode(content).rstrip(b"=")

    sealed = base64url(canonical_json([disclosure["salt"], disclosure["value"]]))
    return base64url(sha256(sealed).digest()).decode() == disclosure["digest"]
