"""What frictionless finds wrong with a Data Package's descriptor alone, none of whose tables it reads: lines of JSON.

`python descriptor.py FILE…`: for each its faults, and then its tables with the types of their columns.
"""

import json
import sys
from pathlib import Path

from frictionless import Package

for name in sys.argv[1:]:
    descriptor = json.loads(Path(name).read_bytes())
    faults = [str(one) for one in Package.metadata_validate(descriptor)]
    package = Package.from_descriptor(descriptor)
    tables = {one.name: [field.type for field in one.schema.fields] for one in package.resources}
    print(json.dumps({"faults": faults, "tables": tables}))
