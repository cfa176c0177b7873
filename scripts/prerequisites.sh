# shellcheck shell=bash
# Sourced by start_dev_mode.sh and run_tests.sh: finds or installs what the project builds and runs with.
#
# Rust and Node are named, not installed: people keep them with rustup and a version manager of their choice.
# Everything else comes from the distribution, and is installed on Debian and Ubuntu.

readonly NODE_MINIMUM="20.19.0"
readonly JAVA_MINIMUM=17

say() { printf '\033[1m==>\033[0m %s\n' "$*"; }
complain() { printf '\033[1;31merror:\033[0m %s\n' "$*" >&2; }
die() { complain "$@"; exit 1; }

have() { command -v "$1" >/dev/null 2>&1; }

# at_least 20.20.2 20.19.0
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

java_major() { java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1; }

require_rust() {
  if ! have cargo && [ -f "$HOME/.cargo/env" ]; then
    # shellcheck disable=SC1091
    . "$HOME/.cargo/env"
  fi
  have cargo || die "Rust is missing. Install it with rustup (https://rustup.rs); rust-toolchain.toml picks the version."
}

require_node() {
  local version=0
  if have node && have npm; then version="$(node --version | tr -d v)"; fi
  at_least "$version" "$NODE_MINIMUM" ||
    die "Node.js $NODE_MINIMUM or newer with npm is needed (found: ${version/#0/none}). See https://nodejs.org."
}

install_packages() {
  [ $# -gt 0 ] || return 0
  have apt-get || die "Missing: $*. Install them with your package manager (the names are Debian's)."
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    have sudo || die "Missing Debian packages: $*. Run as root: apt-get install $*"
    as_root=(sudo)
  fi
  say "installing Debian packages: $*"
  "${as_root[@]}" apt-get update -qq </dev/null
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

# The C compiler and OpenSSL's headers are for librdkafka, which its Rust crate builds from source.
require_build_tools() {
  local missing=()
  have cc && have g++ && have make || missing+=(build-essential)
  have pkg-config || missing+=(pkg-config)
  have curl || missing+=(curl)
  [ -f /usr/include/openssl/ssl.h ] || [ "$(uname -s)" != Linux ] || missing+=(libssl-dev)
  [ -f /usr/include/zlib.h ] || [ "$(uname -s)" != Linux ] || missing+=(zlib1g-dev)
  install_packages "${missing[@]}"
}

require_java() {
  local missing=() major=0
  if have java && have javac; then major="$(java_major)"; fi
  if [ "$major" -lt "$JAVA_MINIMUM" ]; then
    missing+=(default-jdk-headless)
  fi
  have mvn || missing+=(maven)
  have xz || missing+=(xz-utils)
  install_packages "${missing[@]}"
}

# For the tests that question the API by its own description; its packages come from crates/api/conformance.
require_python() {
  if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then install_packages python3 python3-venv; fi
}

# Where programs that the project uses are kept, for every clone.
cache_dir() { printf '%s\n' "${HC_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/healthcare-shift-left}"; }

any_python() { printf 'python3\n'; }

# A Python 3.12 from the PATH or from pyenv; shift_left runs with no other.
python_312() {
  local candidate
  for candidate in python3.12 python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.12.*/bin/python3.12; do
    if "$candidate" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info[:2] != (3, 12))' >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return 0
    fi
  done
  complain "shift_left needs Python 3.12, which is neither on the PATH nor among pyenv's versions." \
    "Install it: pyenv install 3.12, or the packages python3.12 and python3.12-venv where the distribution has them."
  return 1
}

# python_environment REQUIREMENTS FOLDER FINDER: made once for each version of the requirements, with the Python that the
# finder prints. The last step is what counts, so that an interrupted installation is begun again.
python_environment() {
  local python
  if cmp -s "$1" "$2/installed.txt"; then return 0; fi
  python="$("$3")" || return 1
  say "installing the Python packages of $1" >&2
  rm -rf "$2"
  mkdir -p "$(dirname "$2")"
  "$python" -m venv "$2"
  "$2/bin/pip" install --quiet --disable-pip-version-check --requirement "$1" </dev/null >&2
  cp "$1" "$2/installed.txt"
}

require_browser() {
  have chromium || install_packages chromium fonts-dejavu-core
}

# npm ci only when the lock file changed since the last one.
install_frontend() {
  local lock="frontend/package-lock.json" stamp="frontend/node_modules/.installed-lock"
  if [ -f "$stamp" ] && cmp -s "$lock" "$stamp"; then return 0; fi
  say "installing the front end's packages"
  (cd frontend && npm ci --no-audit --no-fund --loglevel=error </dev/null)
  cp "$lock" "$stamp"
}

# Always the same selection: another one unifies the features of dependencies differently and builds them again.
build_binaries() { cargo build --quiet --locked --workspace --bins; }
