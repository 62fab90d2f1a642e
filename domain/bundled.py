"""The plan that comes with the project: the official document and its provenance."""

import tomllib
from hashlib import sha256
from importlib.resources import files
from typing import Final

from domain.plan_import import ImportPlan

BUNDLED_PLAN: Final = "shanghai-credit-2023"


def bundled_plan(plan: str = BUNDLED_PLAN) -> ImportPlan:
    """The command that imports it; ValueError if the file is not the one that its provenance names."""
    folder = files("domain.document").joinpath("plans")
    source = tomllib.loads(folder.joinpath(f"{plan}.toml").read_text("utf-8"))
    document = folder.joinpath(source["file"]).read_bytes()
    if sha256(document).hexdigest() != source["sha256"]:
        raise ValueError(f"{source['file']} is not the document whose SHA-256 its provenance names")
    return ImportPlan(
        plan=source["plan"],
        text=document.decode(),
        issuer=source["issuer"],
        issued_on=source["issued_on"],
        document_number=source["document_number"],
        reason="首次录入:正式印发的工作要点全文",
        authority=source["document_number"],
    )
