#!/usr/bin/env python3
"""Compares sim/packages.txt with what a build really uses: check_packages.py BUILD_DIR SOURCE_DIR [LIST]

Every system header that the compiler read (ninja's dependency log) and every shared library that a built binary
needs must come from a listed package or from one that a listed package depends on. What lies below tests/ may use
the section `test`, everything else only `build`. A listed library package that nothing uses is named too. Exits 0, 1
with the list of what is wrong, or 77 (skipped) where the build is not one of a Debian system.
"""

import os
import re
import shutil
import subprocess
import sys

SKIP = 77


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def skip(why):
    print(f"SKIP: {why}")
    sys.exit(SKIP)


def listed_packages(path):
    sections = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split("#")[0].split()
            if words:
                sections.setdefault(words[0], []).append(words[1])
    return sections


class Dpkg:
    """The installed packages: what each depends on, and who owns a file."""

    def __init__(self):
        self.depends, self.providers, self.source = {}, {}, {}
        fields = "${db:Status-Status}\t${Package}\t${source:Package}\t${Pre-Depends}, ${Depends}\t${Provides}\n"
        for line in run("dpkg-query", "-W", "-f", fields).splitlines():
            status, package, source, depends, provides = line.split("\t")
            if status != "installed":
                continue
            self.depends[package] = [re.split(r"[ :(]", name.strip())[0] for name in re.split(r"[,|]", depends) if name.strip()]
            self.source[package] = source
            for name in provides.split(","):
                if name.strip():
                    self.providers.setdefault(re.split(r"[ (]", name.strip())[0], []).append(package)
        self.owners = {}

    def closure(self, packages):
        todo, seen = list(packages), set()
        while todo:
            package = todo.pop()
            if package in seen:
                continue
            if package in self.depends:
                seen.add(package)
                todo += self.depends[package]
            todo += [p for p in self.providers.get(package, []) if p not in seen]
        return seen

    def load_owners(self, paths):
        """One dpkg -S for all paths; /usr-merge leaves some files known under /lib only."""
        spellings = {}
        for path in paths:
            spellings[path] = path
            if path.startswith("/usr/lib"):
                spellings[path[len("/usr"):]] = path
        names = sorted(spellings)
        for start in range(0, len(names), 500):
            found = subprocess.run(["dpkg", "-S", *names[start:start + 500]], capture_output=True, text=True, check=False)
            for line in found.stdout.splitlines():
                owner, _, path = line.partition(": ")
                if path in spellings and not owner.startswith("diversion by"):
                    self.owners[spellings[path]] = owner.split(",")[0].split(":")[0]


def headers_by_target(build, source):
    """(target, header) for every system header in ninja's dependency log."""
    pairs, target = set(), None
    for line in run("ninja", "-C", build, "-t", "deps").splitlines():
        if line.startswith("ninja: "):
            continue
        if line and not line[0].isspace():
            # Of files that were renamed or removed the log keeps old entries.
            target = line.split(":")[0] if "(VALID)" in line else None
        elif line.strip() and target:
            path = os.path.realpath(os.path.join(build, line.strip()))
            if not path.startswith((os.path.realpath(source) + "/", os.path.realpath(build) + "/")):
                pairs.add((target, path))
    return pairs


def binaries(build):
    for folder, folders, files in os.walk(build):
        folders[:] = [f for f in folders if not f.startswith("meson-")]
        for name in files:
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK) and not os.path.islink(path):
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF":
                        yield path


def libraries_of(binary):
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", run("readelf", "-d", binary)))
    found = {}
    for line in run("ldd", binary).splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if name in needed and arrow:
            found[name] = os.path.realpath(rest.split(" (")[0])
    for name in sorted(needed - set(found)):
        if not name.startswith("ld-linux"):
            print(f"{binary} needs {name}, which ldd does not find")
            sys.exit(1)
    return found


def is_test(path):
    return path.startswith("tests/")


def main():
    build, source = (os.path.realpath(path) for path in sys.argv[1:3])
    for tool in ("dpkg-query", "readelf", "ldd", "ninja"):
        if shutil.which(tool) is None:
            skip(f"{tool} is not here: the list names Debian packages and their files")

    packages = sys.argv[3] if len(sys.argv) > 3 else os.path.join(source, "sim/packages.txt")
    dpkg, sections = Dpkg(), listed_packages(packages)
    allowed = {False: dpkg.closure(sections["build"]), True: dpkg.closure(sections["build"] + sections["test"])}

    read = headers_by_target(build, source)
    uses = {(is_test(target), path, f"{target} reads") for target, path in read}
    if not uses:
        print(f"{build} has an empty dependency log: build it first")
        return 1
    linked = 0
    for binary in binaries(build):
        name = os.path.relpath(binary, build)
        for library in libraries_of(binary).values():
            linked += 1
            uses.add((is_test(name), library, f"{name} links"))
    dpkg.load_owners({path for _, path, _ in uses})

    wrong, used_sources = {}, set()
    for test, path, who in sorted(uses):
        owner = dpkg.owners.get(path)
        if owner is not None and owner in allowed[test]:
            used_sources.add((dpkg.source[owner]))
            continue
        section = "test" if test else "build"
        what = f"package {owner}, not in section {section} of sim/packages.txt nor a dependency of it" if owner else "no package at all"
        wrong.setdefault((what, section), f"{who} {path}, from {what}")
    for message in wrong.values():
        print(message)

    # Whole builds only: a library package that no header and no link needs is a stale line.
    if os.path.exists(os.path.join(build, "sim/cli/dvtsim")):
        benchmarks = any(target.startswith("tests/bench/") for target, _ in read)
        for package in sections["build"] + sections["test"]:
            if package == "libbenchmark-dev" and not benchmarks:
                continue  # configured without them
            if package.startswith("lib") and dpkg.source.get(package) not in used_sources:
                wrong[package] = package
                print(f"sim/packages.txt lists {package}, which nothing includes or links")
    print(f"{len(uses)} uses of system headers and {linked} links checked against {len(allowed[True])} packages")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
