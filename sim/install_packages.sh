#!/bin/sh
# Installs the Debian packages of sim/packages.txt that are missing: install_packages.sh build|test|full.
# Prints nothing when nothing is missing. Works as root or with sudo; `--list` prints the section's packages instead.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

usage() {
  echo "usage: install_packages.sh [--list] build|test|full" >&2
  exit 2
}

mode=install
if [ "${1:-}" = --list ]; then
  mode=list
  shift
fi
[ $# -eq 1 ] || usage
case $1 in
  build) sections=' build ' ;;
  test) sections=' build test ' ;;
  full) sections=' build test full ' ;;
  *) usage ;;
esac

wanted=$(sed -e 's/#.*//' "$here/packages.txt" | while read -r section package rest; do
  [ -n "$section" ] || continue
  if [ -z "$package" ] || [ -n "$rest" ]; then
    echo "sim/packages.txt: expected 'SECTION PACKAGE', found '$section $package $rest'" >&2
    exit 2
  fi
  case $sections in *" $section "*) echo "$package" ;; esac
done)
[ -n "$wanted" ] || { echo "sim/packages.txt: no package in section '$1'" >&2; exit 2; }

if [ "$mode" = list ]; then
  echo "$wanted"
  exit 0
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This is not a Debian system, so nothing was installed. dvtsim needs the equivalents of:" $wanted >&2
  exit 0
fi

missing=
for package in $wanted; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] && continue
  # A program of that name that came in another way will do: npm, say, inside another vendor's nodejs, which refuses
  # Debian's beside it.
  command -v "$package" >/dev/null || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
  as_root='env'
elif command -v sudo >/dev/null; then
  as_root='sudo env'
else
  echo "These packages are missing and neither root nor sudo is at hand:$missing" >&2
  echo "As root: apt-get install --no-install-recommends$missing" >&2
  exit 1
fi

echo "installing:$missing" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { $as_root DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -y -q -o DPkg::Lock::Timeout=300 "$@" >>"$log" 2>&1 </dev/null; }
# RUNLEVEL=1: packages with a daemon install it without starting it.
# A failing update is not the end: the lists at hand may do.
apt update || echo "apt-get update failed; trying with the package lists at hand" >&2
# shellcheck disable=SC2086  # one word a package
if ! apt install --no-install-recommends $missing; then
  tail -n 30 "$log" >&2
  echo "apt-get could not install:$missing" >&2
  exit 1
fi
