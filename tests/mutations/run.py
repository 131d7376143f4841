#!/usr/bin/env python3
"""Seeds the mistakes of list.toml one at a time and asks of each that the test of its name fails.

All of them go into one copy of the sources, each behind a switch, so that the tests are built once:
`python3 tests/mutations/run.py [DIRECTORY]`. The directory keeps the copy; by default it is target/mutations. What is
built of dependencies is shared with the repository, unless CARGO_TARGET_DIR says otherwise. Exit status 1 where a mistake passes unnoticed, or a test fails without one.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
SWITCH = "PORTCULLIS_MISTAKE"
SEEDED = f"""
/// Whether a mistake is made on purpose.
#[must_use]
pub fn seeded(name: &str) -> bool {{
    std::env::var("{SWITCH}").is_ok_and(|made| made == name)
}}
"""


def copy_with_mistakes(mutations, copy):
    for name in ["src", "tests", "rules", "templates", "benches", "examples", "docs"]:
        shutil.rmtree(copy / name, ignore_errors=True)
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("node_modules"))
    for name in ["Cargo.toml", "Cargo.lock", "README.md", "clippy.toml"]:
        shutil.copy(ROOT / name, copy / name)
    for mutation in mutations:
        path = copy / mutation["file"]
        text = path.read_text()
        if text.count(mutation["find"]) != 1:
            sys.exit(f"`{mutation['name']}`: its text does not stand once in {mutation['file']}")
        seeded = mutation["replace"].replace("$seeded", f'crate::seeded("{mutation["name"]}")')
        path.write_text(text.replace(mutation["find"], seeded))
    library = copy / "src/lib.rs"
    library.write_text(library.read_text() + SEEDED)


def test(copy, name, mistake):
    command = ["cargo", "test", "--locked", "--quiet", "--test", "mistakes", "--", "--exact", name]
    environment = {SWITCH: mistake} if mistake else {}
    done = subprocess.run(command, cwd=copy, env={**os.environ, **environment}, capture_output=True)
    return done.returncode == 0


def main():
    copy = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "target/mutations"
    copy.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("CARGO_TARGET_DIR", str(ROOT / "target"))
    mutations = tomllib.loads((ROOT / "tests/mutations/list.toml").read_text())["mutation"]
    copy_with_mistakes(mutations, copy)
    built = subprocess.run(["cargo", "test", "--locked", "--test", "mistakes"], cwd=copy)
    if built.returncode != 0:
        sys.exit("the tests do not pass without a mistake")
    unnoticed = [mutation["name"] for mutation in mutations if test(copy, mutation["name"], mutation["name"])]
    print(f"{len(mutations) - len(unnoticed)} of {len(mutations)} mistakes fail the test of their name")
    if unnoticed:
        sys.exit("unnoticed: " + ", ".join(unnoticed))


if __name__ == "__main__":
    main()
