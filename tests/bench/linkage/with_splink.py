"""Splink on a list of groups: seconds for training, pairs and clusters, and how well it joins.

Usage: with_splink.py LIST.csv   (columns as `cargo run --release --example linkage -- rows FILE N` writes them)

Settings as a careful user would write them from Splink's documentation: telephones, mailboxes, pages and postcodes brought into one
form beforehand (that and reading the file are not in its seconds; they are in ours), its own comparisons for each kind of field
with term frequencies, rules of blocking that reach as many of the true pairs as ours do, weights by its own
expectation maximisation. Prints one line of JSON.
"""

import json
import logging
import sys
import time

import pandas
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
import splink.comparison_library as cl

logging.disable(logging.WARNING)
frame = pandas.read_csv(sys.argv[1], dtype=str, keep_default_na=False)
frame["name"] = frame["name"].str.lower()
frame["name_start"] = frame["name"].str.slice(0, 5)
frame["town"] = frame["town"].str.lower()
frame["phone"] = frame["phone"].str.replace(r"\D", "", regex=True).str.slice(-10)
frame["email"] = frame["email"].str.lower()
page = frame["url"].str.lower().str.replace(r"^https?://(www\.|m\.)?", "", regex=True)
frame["url"] = page.str.split("?").str[0].str.rstrip("/")
frame["postcode"] = frame["postcode"].str.upper()
frame["outward"] = frame["postcode"].str.replace(" ", "").str.slice(0, -3)
frame = frame.replace("", None)
frame["unique_id"] = frame["unique_id"].astype(int)
truth = dict(zip(frame["unique_id"], frame["cluster"]))

started = time.monotonic()
rules = [block_on(column) for column in ("postcode", "phone", "email", "url", "name")]
rules += [block_on("town", "name_start"), block_on("town", "focus"), block_on("outward", "focus")]
frequent = {"term_frequency_adjustments": True}
settings = SettingsCreator(
    link_type="dedupe_only",
    blocking_rules_to_generate_predictions=rules,
    comparisons=[
        cl.JaroWinklerAtThresholds("name", [0.95, 0.88, 0.7]).configure(**frequent),
        cl.PostcodeComparison("postcode"),
        cl.ExactMatch("town").configure(**frequent),
        cl.ExactMatch("phone").configure(**frequent),
        cl.EmailComparison("email"),
        cl.ExactMatch("url").configure(**frequent),
        cl.ExactMatch("focus").configure(**frequent),
        cl.ExactMatch("day"),
    ],
)
api = DuckDBAPI()
try:
    linker = Linker(frame, settings, db_api=api)
except TypeError:
    linker = Linker(api.register(frame), settings)
linker.training.estimate_probability_two_random_records_match([block_on("name", "town")], recall=0.5)
linker.training.estimate_u_using_random_sampling(max_pairs=1e7)
linker.training.estimate_parameters_using_expectation_maximisation(block_on("postcode"))
linker.training.estimate_parameters_using_expectation_maximisation(block_on("name_start", "town"))
pairs = linker.inference.predict(threshold_match_probability=0.5)
clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, threshold_match_probability=0.95)
found = clusters.as_pandas_dataframe()
seconds = time.monotonic() - started


def within(groups):
    return {(a, b) for group in groups for i, a in enumerate(group) for b in group[i + 1 :]}


said = within([sorted(group) for group in found.groupby("cluster_id")["unique_id"].apply(list)])
by_truth = {}
for record, group in truth.items():
    by_truth.setdefault(group, []).append(record)
same = within([sorted(group) for group in by_truth.values()])
right = len(said & same)
print(
    json.dumps(
        {
            "records": len(frame),
            "seconds": round(seconds, 2),
            "precision": round(right / max(1, len(said)), 4),
            "recall": round(right / max(1, len(same)), 4),
        }
    )
)
