#!/usr/bin/env python3
"""Seeds the mistakes of list.toml one at a time and asks of each that the test of its name fails.

All of them go into one copy of the sources, each behind a switch, so that the tests are built once:
`python3 tests/mutations/run.py [DIRECTORY]`. The directory keeps the copy and what is built of it; by default it is
target/mutations. Dependencies that were built for the repository's tests are taken from there, and nothing of the
repository's own is written to. Exit status 1 where a mistake passes unnoticed, or a test fails without one.
"""

import json
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


def take_dependencies(target):
    """Links what the repository has built of its dependencies, once; without it they are built anew."""
    built = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug"
    if target.exists() or not built.is_dir():
        return
    own = lambda _, names: [name for name in names if name.startswith(("portcullis", "libportcullis"))]
    for part in ["deps", "build", ".fingerprint"]:
        if (built / part).is_dir():
            shutil.copytree(built / part, target / "debug" / part, ignore=own, symlinks=True, copy_function=link)


def link(source, copy):
    try:
        os.link(source, copy)
    except OSError:
        shutil.copy2(source, copy)


def build(copy, target):
    """The program that holds the tests."""
    command = ["cargo", "test", "--locked", "--test", "mistakes", "--no-run", "--message-format=json-render-diagnostics"]
    done = subprocess.run(
        command, cwd=copy, env={**os.environ, "CARGO_TARGET_DIR": str(target)}, stdout=subprocess.PIPE, text=True
    )
    if done.returncode != 0:
        sys.exit("the sources with the mistakes in them do not compile")
    messages = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    programs = [m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "mistakes"]
    return programs[-1]


def run(program, copy, mistake=None):
    arguments = ["--exact", mistake] if mistake else []
    environment = {**os.environ, **({SWITCH: mistake} if mistake else {})}
    return subprocess.run([program, *arguments], cwd=copy, env=environment, capture_output=True, text=True)


def is_noticed(program, copy, mistake):
    done = run(program, copy, mistake)
    return done.returncode != 0 and "0 passed; 1 failed" in done.stdout


def main():
    copy = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/mutations").resolve()
    copy.mkdir(parents=True, exist_ok=True)
    mutations = tomllib.loads((ROOT / "tests/mutations/list.toml").read_text())["mutation"]
    copy_with_mistakes(mutations, copy)
    target = copy / "target"
    take_dependencies(target)
    program = build(copy, target)
    without = run(program, copy)
    if without.returncode != 0:
        sys.exit(without.stdout + "the tests do not pass without a mistake")
    unnoticed = [mutation["name"] for mutation in mutations if not is_noticed(program, copy, mutation["name"])]
    print(f"{len(mutations) - len(unnoticed)} of {len(mutations)} mistakes fail the test of their name")
    if unnoticed:
        sys.exit("unnoticed: " + ", ".join(unnoticed))


if __name__ == "__main__":
    main()
