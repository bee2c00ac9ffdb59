#!/usr/bin/env bash
# One binary, one scenario, the same bytes: run twice, with addresses not randomised, in another locale and time zone,
# in another folder with another environment, and on a processor that seems to lack FMA and AVX2.
# same_bytes.sh DVTSIM SCENARIO
set -euo pipefail

dvtsim=$(realpath "$1") scenario=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

skipped=
run_json "$dvtsim" "$scenario" "$work/wanted"
[[ -s $work/wanted ]] || { echo "the run printed nothing"; exit 1; }

again() { # NAME [ENV=VALUE… --] [ARGUMENT…]
  local name=$1
  shift
  run_json "$dvtsim" "$scenario" "$work/found" "$@"
  expect_same_bytes "$work/wanted" "$work/found" "$name"
  echo "same bytes: $name"
}

again 'second run'
(cd "$work" && again 'another folder and environment' HOME=/nowhere COLUMNS=40 LANG=C PADDING="$(printf '%4000s' x)" --)
again 'time zone' TZ=NPT-5:45 --
again 'time zone by name' TZ=Asia/Kathmandu --

# A locale with a decimal comma, compiled for this test alone, so that nothing needs to be installed system-wide.
if mkdir "$work/locale" && localedef --no-archive -i de_DE -f UTF-8 "$work/locale/de_DE.UTF-8" >"$work/localedef.log" 2>&1 &&
  [[ $(LOCPATH="$work/locale" LC_ALL=de_DE.UTF-8 locale decimal_point 2>/dev/null) == , ]]; then
  again 'locale with a decimal comma' LOCPATH="$work/locale" LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 --
else
  skipped='package locales is missing, so no foreign locale could be made'
fi

# glibc chooses variants of its functions by the processor; both spellings, since it changed between versions.
again 'no FMA, no AVX2' GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA,-AVX2 --
again 'no FMA, no AVX2 (old spelling)' GLIBC_TUNABLES=glibc.cpu.hwcaps=-FMA_Usable,-AVX2_Usable --

if command -v setarch >/dev/null && setarch -R true 2>/dev/null; then
  printf '#!/bin/sh\nexec setarch -R "%s" "$@"\n' "$dvtsim" >"$work/fixed_addresses"
  chmod +x "$work/fixed_addresses"
  run_json "$work/fixed_addresses" "$scenario" "$work/found"
  expect_same_bytes "$work/wanted" "$work/found" 'addresses not randomised'
  echo 'same bytes: addresses not randomised'
fi

# Another seed must not give the same bytes, or all of the above proves nothing.
run_json "$dvtsim" "$scenario" "$work/found" --seed 987654321
if cmp -s "$work/wanted" "$work/found"; then
  echo 'another seed gave the same bytes: the comparison sees nothing'
  exit 1
fi

if [[ -n $skipped ]]; then
  echo "SKIP: $skipped"
  exit 77
fi
