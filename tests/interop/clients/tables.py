"""What frictionless makes of a Data Package: `python tables.py ADDRESS`, a line of JSON each.

First what is wrong with the package and all its tables, then each table's rows, in which a value is as JSON has it.
"""

import json
import sys
from datetime import date, datetime
from decimal import Decimal

from frictionless import Package, system


def spelled(value: object) -> object:
    """A value that JSON has no form of, as text."""
    match value:
        case datetime() | date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _:
            raise TypeError(value)


with system.use_context(trusted=True):
    package = Package(sys.argv[1])
    report = package.validate()
    faults = [f"{one.title}: {one.message}" for one in report.errors]
    for task in report.tasks:
        faults += [f"{task.name}: {one.message}" for one in task.errors]
    print(json.dumps(faults))
    for resource in package.resources:
        rows = [row.to_dict() for row in resource.read_rows()]
        print(json.dumps({"name": resource.name, "rows": rows}, default=spelled))
