#!/usr/bin/env bash
# Checks and tests everything; exits non-zero at the first failure and leaves nothing running.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh

usage() {
  cat <<'HELP'
Usage: ./run_tests.sh [--fast]

  (no option)  lints, unit tests, tests against every real server, whole-stack and browser tests
  --fast       lints, unit tests, and the tests that need no server beyond Postgres
HELP
}

fast=false
for argument in "$@"; do
  case "$argument" in
    -h | --help) usage; exit 0 ;;
    --fast) fast=true ;;
    *) complain "$argument is not known"; usage >&2; exit 2 ;;
  esac
done

started=$SECONDS
step() { say "[$((SECONDS - started)) s] $*"; }

require_rust
require_node
require_build_tools
require_java
$fast || require_browser
$fast || require_python
have shellcheck || install_packages shellcheck

step "shell scripts"
git ls-files '*.sh' .ci/run set_sl_env scripts/shift_left/bin/shift_left scripts/lake/bin/lake | xargs shellcheck -x

step "Rust: format, lints"
cargo fmt --all --check
cargo clippy --quiet --workspace --all-targets --locked -- -D warnings

step "front end: generated client, lints, types, unit tests, build"
install_frontend
(
  cd frontend
  npm run --silent check:api
  npm run --silent lint
  npm run --silent typecheck
  npm run --silent test
  npm run --silent build
)

step "Rust: build"
cargo build --quiet --workspace --all-targets --locked

platform=target/debug/hc-platform
if $fast; then
  step "tests that need Postgres at the most"
  "$platform" exec --servers postgres -- cargo test --workspace --locked --lib --bins --test it
else
  step "tests against the real servers"
  "$platform" exec --servers postgres,kafka,registry,connect,flink -- cargo test --workspace --locked --lib --bins --test it --test stack --test golden
  step "the API answers as its OpenAPI document says"
  "$platform" exec --servers postgres,kafka,registry -- crates/api/conformance/run.sh
  step "whole-stack tests: prescription to screen, recovery, start and stop"
  cargo test --workspace --locked --test e2e -- --test-threads=1
fi
step "everything passed"
