#!/bin/sh
# Makes .venv with the pinned packages, and says in one sentence what is missing on this machine.
#
#   tools/setup.sh run        what the dashboard needs
#   tools/setup.sh dev        what tests and checks need as well
#   tools/setup.sh chromium   a Chromium for the browser tests
#
# A second call does nothing as long as the pinned set stays the same.
set -eu
cd "$(dirname "$0")/.."

python=.venv/bin/python

stop() {
    echo "$1" >&2
    exit 1
}

# The first Python that TensorFlow is built for. A name on PATH proves nothing (a version manager puts a stub there),
# so each one is asked.
find_python() {
    for candidate in python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    stop "Deepboard needs Python 3.11, 3.12 or 3.13 and found none; on Debian or Ubuntu: apt-get install python3 python3-venv"
}

make_environment() {
    base=$(find_python)
    "$base" -c 'import ensurepip, venv' 2>/dev/null ||
        stop "$base cannot make virtual environments; on Debian or Ubuntu: apt-get install python3-venv"
    echo "Making .venv with $("$base" --version)."
    rm -rf .venv
    "$base" -m venv .venv
}

# install PURPOSE REQUIREMENTS...: what the purpose needs, as pinned, unless that was done before.
install() {
    purpose=$1
    shift
    wanted=$(cat requirements.txt requirements-dev.txt requirements.lock | cksum)
    "$python" -c '' 2>/dev/null || make_environment
    if [ "$(cat ".venv/installed-$purpose" 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    echo "Installing what is pinned in requirements.lock; the first time this fetches about 800 MB."
    "$python" -m pip --version >/dev/null 2>&1 || "$python" -m ensurepip
    "$python" -m pip install --disable-pip-version-check --constraint requirements.lock "$@" ||
        stop "The packages could not be installed; pip's last lines above say why. Call make again when that is mended."
    echo "$wanted" >".venv/installed-$purpose"
}

chromium_works() {
    for candidate in chromium chromium-browser google-chrome; do
        # Ubuntu's chromium-browser may be a stub that only says to install a snap
        "$candidate" --version >/dev/null 2>&1 && return
    done
    return 1
}

find_chromium() {
    chromium_works && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing Chromium for the browser tests."
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null ||
            true
    fi
    chromium_works ||
        stop "The browser tests need Chromium; install it so that 'chromium --version' answers (on Debian, as root: apt-get install chromium)."
}

case "${1:-}" in
run) install run -r requirements.txt ;;
dev) install dev -r requirements.txt -r requirements-dev.txt && cp .venv/installed-dev .venv/installed-run ;;
chromium) find_chromium ;;
*) stop "Say what to set up: run, dev or chromium." ;;
esac
