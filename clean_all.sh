#!/usr/bin/env bash
# Stops what this clone runs and removes what it made. Safe to repeat.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh

usage() {
  cat <<'HELP'
Usage: ./clean_all.sh [--keep-volumes] [--builds]

  Stops this clone's servers and containers, then removes their data.
  --keep-volumes   stop only; keep the data (.data/ and Docker volumes)
  --builds         also remove build output: target/, frontend/node_modules/, frontend/dist/
  --help           this text
HELP
}

keep=false
builds=false
for argument in "$@"; do
  case "$argument" in
    -h | --help) usage; exit 0 ;;
    --keep-volumes) keep=true ;;
    --builds) builds=true ;;
    *) complain "$argument is not known"; usage >&2; exit 2 ;;
  esac
done

if [ -d .data ]; then
  require_rust
  [ -x target/debug/hc-platform ] || build_binaries
  target/debug/hc-platform down
  if $keep; then say "kept: .data/"; else target/debug/hc-platform reset --yes; fi
else
  say "no data of native servers here"
fi

# Only containers of this clone's Compose project are asked for, and only where an engine answers.
if have docker && docker info >/dev/null 2>&1; then
  if [ -n "$(docker compose ps --all --quiet 2>/dev/null)" ]; then
    options=(--remove-orphans)
    $keep || options+=(--volumes)
    say "removing containers$($keep || echo ' and volumes') of the Compose project"
    docker compose down "${options[@]}"
  else
    say "no containers of this clone"
  fi
fi

if $builds; then
  for folder in target frontend/node_modules frontend/dist; do
    if [ -e "$folder" ]; then say "removing $folder/"; rm -rf -- "$folder"; fi
  done
fi
