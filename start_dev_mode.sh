#!/usr/bin/env bash
# Starts the whole demonstration on this machine; Ctrl+C stops everything it started.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh

usage() {
  cat <<'HELP'
Usage: ./start_dev_mode.sh [--infra native|none] [options passed to hc-platform dev]

  --infra native   Postgres, Kafka, registry, Connect and Flink as child processes (the default)
  --infra none     only the API with read-only demo data, and the screens: for work on the front end
  --no-simulation  do not start the devices; the Telemetry page does
  --help           this text

Ports are taken from UI_PORT, API_PORT, POSTGRES_PORT, ... in the environment or in .env (see .env.example).
Data is kept under .data/ between starts; ./clean_all.sh removes it.
HELP
}

infra=native
args=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --infra) [ $# -ge 2 ] || die "--infra needs a value: native or none"; infra="$2"; shift ;;
    --infra=*) infra="${1#--infra=}" ;;
    *) args+=("$1") ;;
  esac
  shift
done
case "$infra" in
  native | none) ;;
  *) complain "--infra $infra is not known; it is native or none"; usage >&2; exit 2 ;;
esac

require_rust
require_node
require_build_tools
[ "$infra" = none ] || require_java

say "building (the first time takes a few minutes)"
build_binaries
install_frontend

exec target/debug/hc-platform dev --infra "$infra" "${args[@]}"
