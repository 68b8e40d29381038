#!/usr/bin/env python3
"""Looks at a folder with the RO-Crate validator (PyPI roc-validator) and says what it found, one line for each thing; nothing where all is well.

    roc.py FOLDER CONTEXT

CONTEXT: a copy of RO-Crate's JSON-LD context, which is not fetched. Left out are the checks that it can be fetched, and one recommendation that
asks for what is not known of a hub or a custodian: an address on the web.

Runs in an environment of its own: what it needs does not fit beside the other packages.
"""

import json
import sys

import rdflib.plugins.shared.jsonld.context as context
import rdflib.plugins.shared.jsonld.util as util

LEFT_OUT = ("JSON-LD context", "/ro/crate/1.1/context", "The organization SHOULD have a URL")

folder, known = sys.argv[1:]
with open(known, encoding="utf-8") as file:
    known = json.load(file)
fetch = util.source_to_json


def local(source, *more, **named):
    if isinstance(source, str) and source.startswith("https://w3id.org/ro/crate/"):
        return known, None
    return fetch(source, *more, **named)


context.source_to_json = util.source_to_json = local

# After that: what it uses takes the function by name.
from rocrate_validator import models, services  # noqa: E402

settings = services.ValidationSettings(
    rocrate_uri=folder,
    profile_identifier="ro-crate-1.1",
    requirement_severity=models.Severity.RECOMMENDED,
    skip_checks=["ro-crate-1.1_3.1", "ro-crate-1.1_3.2"],
    skip_availability_check=True,
)
for issue in services.validate(settings).get_issues():
    words = " ".join(str(issue.message).split())
    if not any(left in words for left in LEFT_OUT):
        print(f"{issue.severity.name} {issue.check.identifier}: {words}")
