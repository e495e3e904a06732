#!/bin/sh
# The system packages that some tests need (a browser): installed where this user may, else those tests say why they skip.
set -u
command -v chromium >/dev/null 2>&1 && command -v chromedriver >/dev/null 2>&1 && exit 0
command -v apt-get >/dev/null 2>&1 || exit 0
if [ "$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2>/dev/null; then sudo="sudo -n"; else exit 0; fi
echo "installing Chromium for the tests of pages (once)"
log=$(mktemp)
if ! { $sudo apt-get update -q && $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q chromium chromium-driver fonts-dejavu-core; } >"$log" 2>&1; then
    echo "Chromium could not be installed; the tests that need it will say so:" >&2
    tail -n 3 "$log" >&2
fi
rm -f "$log"
