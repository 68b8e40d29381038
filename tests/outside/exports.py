#!/usr/bin/env python3
"""Looks at folders of exported frames with programs that others wrote, and says what each of them found.

    exports.py FOLDER…

One line for each folder and program: "ok NAME FOLDER", "SKIP NAME: why", "FAIL NAME FOLDER: what it said". Ends with 1 if one
failed. Needs no network.

    frictionless  the Data Package and every row of it (PyPI frictionless)
    csvw          the CSV on the Web metadata and every row by it (PyPI csvw)
    ro-crate      the RO-Crate can be read and names the files there are (PyPI rocrate)
    roc-validator what RO-Crate 1.1 requires and recommends, but what needs the network (roc.py; PyPI roc-validator, in the Python that
                  MUTUALD_OUTSIDE_ROC names)
    datacite      the DataCite metadata by DataCite's own schema 4.5 (PyPI datacite)
    cff           the citation file by its schema 1.2.0 (PyPI cffconvert)
    parquet       every Parquet file has the rows of its CSV file (PyPI duckdb)
    xml           the DDI codebook is well-formed, its elements stand in the order that DDI's schema asks for, days are days,
                  and its references lead somewhere
    ddi           the DDI codebook by DDI's own schema, if MUTUALD_DDI_XSD names a copy of codebook.xsd (PyPI lxml)
"""

import csv
import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

folder = pathlib.Path()


def frictionless():
    from frictionless import Package, system

    with system.use_context(trusted=True):
        report = Package(str(folder / "datapackage.json")).validate()
    found = report.flatten(["rowNumber", "fieldName", "type", "message"])
    found += [[error.type, error.message] for error in report.errors]
    if not report.valid:
        return "; ".join(str(one) for one in found[:5])
    if len(report.tasks) != len(list(folder.glob("data/*.csv"))):
        return "not every file was looked at"


def csvw():
    from csvw import CSVW

    read = CSVW(str(folder / "csv-metadata.json"), validate=True)
    if not read.is_valid:
        return "; ".join(str(warning.message) for warning in read.warnings[:5]) or "it is not valid"


def ro_crate():
    from rocrate.rocrate import ROCrate

    crate = ROCrate(str(folder))
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"ro-crate-metadata.json"}
    named = {entity.id for entity in crate.get_by_type("File")}
    if there != named:
        return f"files and their descriptions differ: {sorted(there ^ named)}"
    for member in ("name", "description", "datePublished", "license"):
        if not crate.root_dataset.get(member):
            return f"the root has no {member}"


def roc_validator():
    import rocrate

    python = os.environ.get("MUTUALD_OUTSIDE_ROC")
    if not python:
        raise ModuleNotFoundError("MUTUALD_OUTSIDE_ROC names no Python that has roc-validator")
    context = pathlib.Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld"
    script = pathlib.Path(__file__).parent / "roc.py"
    ran = subprocess.run([python, script, folder, context], capture_output=True, text=True)
    if ran.returncode:
        return f"it did not run: {ran.stderr[-500:]}"
    return "; ".join(ran.stdout.splitlines()[:5])


def datacite():
    from datacite import schema45

    errors = list(schema45.validator.iter_errors(json.loads((folder / "datacite.json").read_text())))
    return "; ".join(error.message for error in errors[:5])


def cff():
    from cffconvert import Citation

    Citation((folder / "CITATION.cff").read_text()).validate()


def parquet():
    import duckdb

    for file in sorted(folder.glob("parquet/*.parquet")):
        with open(folder / "data" / f"{file.stem}.csv", encoding="utf-8", newline="") as rows:
            wanted = list(csv.DictReader(rows))
        read = duckdb.sql(f"SELECT * FROM read_parquet('{file}')")
        found = [dict(zip(read.columns, row)) for row in read.fetchall()]
        if len(found) != len(wanted):
            return f"{file.name} has {len(found)} rows, its CSV file {len(wanted)}"
        for have, want in zip(found, wanted):
            for name, value in have.items():
                same = {
                    "NoneType": lambda: want[name] == "",
                    "bool": lambda: want[name] == str(value).lower(),
                    "float": lambda: float(want[name]) == value,
                }.get(type(value).__name__, lambda: want[name] in (str(value), f"'{value}"))
                if not same():
                    return f"{file.name}: {name} is {value!r}, in its CSV file {want[name]!r}"


# What may stand in the elements that are used here, in which order, as DDI Codebook 2.5.1 is documented: parts were read in its
# codebook.xsd, the rest written from memory, and no package carries the schema to check by. Elements that are not named hold text only.
DDI_ORDER = {
    "codeBook": "docDscr stdyDscr fileDscr dataDscr otherMat",
    "docDscr": "citation guide docStatus docSrc controlledVocabUsed notes",
    "stdyDscr": "citation studyAuthorization stdyInfo studyDevelopment method dataAccs othrStdyMat notes",
    "citation": "titlStmt rspStmt prodStmt distStmt serStmt verStmt biblCit holdings notes",
    "titlStmt": "titl subTitl altTitl parTitl IDNo",
    "rspStmt": "AuthEnty othId",
    "prodStmt": "producer copyright prodDate prodPlac software fundAg grantNo",
    "distStmt": "distrbtr contact depositr depDate distDate",
    "verStmt": "version verResp notes",
    "stdyInfo": "studyBudget subject abstract sumDscr qualityStatement notes exPostEvaluation",
    "subject": "keyword topcClas",
    "sumDscr": "timePrd collDate nation geogCover geogUnit geoBndBox boundPoly anlyUnit universe dataKind",
    "method": "dataColl notes anlyInfo stdyClas dataProcessing codingInstructions",
    "dataColl": "timeMeth dataCollector collectorTraining frequenc sampProc sampleFrame targetSampleSize deviat collMode "
    "resInstru instrumentDevelopment sources collSitu actMin ConOps weight cleanOps",
    "sampleFrame": "sampleFrameName labl txt validPeriod custodian useStmt universe frameUnit referencePeriod updateProcedure",
    "useStmt": "confDec specPerm restrctn contact citReq deposReq conditions disclaimer",
    "frameUnit": "unitType txt",
    "targetSampleSize": "sampleSize sampleSizeFormula",
    "dataAccs": "setAvail useStmt notes",
    "fileDscr": "fileTxt locMap notes",
    "fileTxt": "fileName fileCitation dataFingerprint fileCont fileStrc dimensns fileType format filePlac dataChck ProcStat "
    "dataMsng software verStmt",
    "dataFingerprint": "digitalFingerprintValue algorithmSpecification algorithmVersion",
    "dimensns": "caseQnty varQnty logRecL recPrCas recNumTot",
    "dataDscr": "varGrp nCubeGrp var nCube notes",
    "var": "location labl imputation security embargo respUnit anlysUnit qstn valrng invalrng undocCod universe TotlResp "
    "sumStat txt stdCatgry catgryGrp catgry codInstr verStmt concept derivation varFormat geoMap catLevel notes",
    "catgry": "catValu labl txt catStat mrow",
}


def xml():
    import datetime

    space = "{ddi:codebook:2_5}"
    root = ElementTree.parse(folder / "ddi-codebook.xml").getroot()
    for element in root.iter():
        order = DDI_ORDER.get(element.tag.removeprefix(space), "").split()
        names = [child.tag.removeprefix(space) for child in element]
        unknown = [name for name in names if name not in order]
        if unknown or names != sorted(names, key=order.index):
            return f"{element.tag} holds {names}"
        if element.tag.removeprefix(space) in ("validPeriod", "referencePeriod"):
            datetime.date.fromisoformat(element.text)
    files = {one.get("ID"): one.get("URI") for one in root.iter(f"{space}fileDscr")}
    lost = [path for path in files.values() if not (folder / path).is_file()]
    ids = [one.get("ID") for one in root.iter() if one.get("ID")]
    astray = [one.get("name") for one in root.iter(f"{space}var") if one.get("files") not in files]
    if lost or astray or len(ids) != len(set(ids)):
        return f"files that are not there {lost}, columns of no file {astray}, or an ID twice"
    units = root.find(f".//{space}unitType").get("numberOfUnits")
    with open(folder / "data/units.csv", encoding="utf-8", newline="") as rows:
        if int(units) != sum(1 for _ in csv.DictReader(rows)):
            return f"it says {units} units, and the file has another number"


def ddi():
    from lxml import etree

    schema = os.environ.get("MUTUALD_DDI_XSD")
    if not schema:
        raise ModuleNotFoundError("MUTUALD_DDI_XSD names no copy of DDI's codebook.xsd, which no package carries")
    schema = etree.XMLSchema(etree.parse(schema))
    if not schema.validate(etree.parse(str(folder / "ddi-codebook.xml"))):
        return "; ".join(str(error) for error in list(schema.error_log)[:5])


failed, missing = False, set()
checks = {
    "frictionless": (frictionless, "datapackage.json"),
    "csvw": (csvw, "csv-metadata.json"),
    "ro-crate": (ro_crate, "ro-crate-metadata.json"),
    "roc-validator": (roc_validator, "ro-crate-metadata.json"),
    "datacite": (datacite, "datacite.json"),
    "cff": (cff, "CITATION.cff"),
    "parquet": (parquet, "parquet"),
    "xml": (xml, "ddi-codebook.xml"),
    "ddi": (ddi, "ddi-codebook.xml"),
}
for argument in sys.argv[1:]:
    folder = pathlib.Path(argument).resolve()
    for name, (check, file) in checks.items():
        if not (folder / file).exists():
            continue
        try:
            wrong = check()
        except ModuleNotFoundError as error:
            if name not in missing:
                print(f"SKIP {name}: {error}")
            missing.add(name)
            continue
        except Exception as error:  # what a validator raises is what it found
            wrong = f"{type(error).__name__}: {error}"
        failed = failed or bool(wrong)
        print(f"FAIL {name} {argument}: {wrong}" if wrong else f"ok {name} {argument}")
sys.exit(1 if failed else 0)
