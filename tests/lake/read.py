"""Reads the Parquet tables of a history with DuckDB, and holds them against the history's own JSON.

    python3 read.py PORTCULLIS HISTORY DIRECTORY
"""

import json
import subprocess
import sys

import duckdb

portcullis, history, directory = sys.argv[1:]


def run(*arguments):
    return subprocess.run([portcullis, "history", *arguments, "--history", history], check=True, capture_output=True).stdout


run("export", "--format", "parquet", "--output", directory)
kept = json.loads(run("export"))
lake = duckdb.connect()
lake.execute("SET TimeZone = 'UTC'")
for table in ["findings", "scans", "openings", "verdicts"]:
    lake.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{directory}/{table}.parquet')")


def ask(question):
    return lake.execute(question).fetchall()


def one(question):
    return ask(question)[0][0]


def same(what, found, expected):
    assert found == expected, f"{what}: {found} in the tables, {expected} in the history"


types = dict((name, kind) for name, kind, *_ in ask("DESCRIBE findings"))
same("the type of a time", types["taken"], "TIMESTAMP WITH TIME ZONE")
same("the type of a flag", types["waived"], "BOOLEAN")
same("the type of a day", types["waived_until"], "DATE")
same("scans", one("SELECT count(DISTINCT scan) FROM scans"), len(kept["scans"]))
same("parts", one("SELECT count(*) FROM scans"), sum(len(scan["coverage"]) for scan in kept["scans"]))
same("openings", one("SELECT count(*) FROM openings"), sum(len(one["spells"]) for one in kept["findings"]))
same("verdicts", one("SELECT count(*) FROM verdicts"), sum(len(one["judgements"]) for one in kept["machines"]))
same("moments", ask("SELECT DISTINCT strftime(taken, '%Y-%m-%dT%H:%M:%SZ') FROM scans ORDER BY 1"), sorted({(scan["taken"],) for scan in kept["scans"]}))
same("open ones", one("SELECT count(*) FROM openings WHERE closed IS NULL"), sum(one["state"] == "open" for one in kept["findings"]))
# What stood open after each scan, waived or not, is what the trend counts of it.
for scan, found in ask("SELECT scan, count(*) FROM findings GROUP BY scan ORDER BY scan"):
    shown = json.loads(run("show", str(scan), "--json"))
    same(f"findings of scan {scan}", found, shown["figures"]["open"] + shown["figures"]["waived"])
    same(f"fingerprints of scan {scan}", {row[0] for row in ask(f"SELECT fingerprint FROM findings WHERE scan = {scan}")}, {one["fingerprint"] for one in shown["findings"]})
same("the age of a finding", one("SELECT count(*) FROM findings WHERE days_open <> floor(epoch(taken - opened) / 86400)"), 0)
compression = {row[0] for row in ask(f"SELECT DISTINCT compression FROM parquet_metadata('{directory}/findings.parquet')")}
same("the compression", compression, {"ZSTD"})
rows = one("SELECT count(*) FROM findings")
print(f"ok: {rows} findings night by night, {len(kept['scans'])} scans, read by DuckDB {duckdb.__version__}")
