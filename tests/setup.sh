#!/bin/sh
# The system packages that some tests need (a browser; Java and Maven for real database servers): installed where this
# user may, else those tests say why they skip.
set -u
missing=
command -v chromium >/dev/null 2>&1 && command -v chromedriver >/dev/null 2>&1 || missing="chromium chromium-driver fonts-dejavu-core"
command -v java >/dev/null 2>&1 || missing="$missing default-jre-headless"
command -v mvn >/dev/null 2>&1 || missing="$missing maven"
[ -n "$missing" ] || exit 0
command -v apt-get >/dev/null 2>&1 || exit 0
if [ "$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo="sudo -n"; else exit 0; fi
echo "installing for the tests, once: $missing"
log=$(mktemp)
# shellcheck disable=SC2086  # the packages are words
if ! { $sudo apt-get update -q && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q $missing; } >"$log" 2>&1; then
    echo "they could not be installed; the tests that need them will say so:" >&2
    tail -n 3 "$log" >&2
fi
rm -f "$log"
