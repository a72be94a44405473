"""Runs stac-api-validator without the network: schemas come from pystac, our own from this project, others hold anything."""

import json
import sys
import urllib.request
from io import BytesIO
from pathlib import Path

import requests
from pystac.validation import JsonSchemaSTACValidator, local_validator, set_validator

from mlaoi_graph.lineage_fields import SCHEMA
from mlaoi_graph.ontology_files import ontology_file

_get = requests.Session.request
_open = urllib.request.urlopen
SCHEMAS = {uri.rstrip("#"): schema for uri, schema in local_validator.get_local_schema_cache().items()}
SCHEMAS[SCHEMA] = json.loads(Path(ontology_file("stac-extension/json-schema/schema.json")).read_text())


def _answer(session, method, url, *args, **kwargs):
    if url.startswith("http://127.0.0.1"):
        return _get(session, method, url, *args, **kwargs)
    found = requests.Response()
    found.status_code, found.url = 200, url
    found._content = json.dumps(SCHEMAS.get(url.rstrip("#"), {})).encode()
    return found


def _opened(request, *args, **kwargs):
    url = request if isinstance(request, str) else request.full_url
    if url.startswith("http://127.0.0.1"):
        return _open(request, *args, **kwargs)
    return BytesIO(json.dumps(SCHEMAS.get(url.rstrip("#"), {})).encode())


if __name__ == "__main__":
    requests.Session.request = _answer
    urllib.request.urlopen = _opened
    validator = JsonSchemaSTACValidator()
    validator.schema_cache[SCHEMA] = SCHEMAS[SCHEMA]
    set_validator(validator)
    # Loaded when requests leads here, and before addresses are opened anywhere.
    from stac_api_validator.__main__ import main

    for module in list(sys.modules.values()):
        if getattr(module, "urlopen", None) is _open:
            module.urlopen = _opened
    main()
