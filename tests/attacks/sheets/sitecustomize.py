"""A spreadsheet that holds 300 rows, for the process that writes one: a real one takes minutes to fill."""

import sys
from importlib.abc import MetaPathFinder


class Lower(MetaPathFinder):
    """Lowers the limit once its module has been imported."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if "api.exports.tables" in sys.modules and fullname != "api.exports.tables":
            sys.modules["api.exports.tables"].__dict__["ROWS_OF_XLSX"] = 300


sys.meta_path.insert(0, Lower())
