"""The doors by which others' catalogues find what is here: DCAT-AP, Data Package, and the catalogue of APIs."""

from typing import Any, Final

from api.catalogue import catalogs, linkset, package

HANDLERS: Final[list[Any]] = [
    catalogs.catalog,
    catalogs.catalog_json_ld,
    catalogs.catalog_turtle,
    package.data_package,
    linkset.api_catalog,
]
