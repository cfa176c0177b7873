#!/usr/bin/env bash
# Asks a really running hc-api thousands of questions made from its own OpenAPI document, and fails on an answer that
# the document does not allow, on a 5xx, and on a line of the log that says ERROR. The servers come from the
# environment (DATABASE_URL, and Kafka and the registry if they run):
#
#   target/debug/hc-platform exec --servers postgres,kafka,registry -- crates/api/conformance/run.sh
#
# Arguments go to `schemathesis run`, such as: --include-path /patients
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "$here/../../.."
# shellcheck source=scripts/prerequisites.sh
. scripts/prerequisites.sh

: "${DATABASE_URL:?run this within hc-platform exec}"
api="$PWD/target/debug/hc-api"
work="$(mktemp -d)"
log="$work/hc-api.log"
server=""

# shellcheck disable=SC2317 # the trap calls it
stop() {
  if [ -n "$server" ]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "$work"
}
trap stop EXIT
# bash runs the EXIT trap for these only when they end the script.
trap 'exit 130' INT TERM

require_python
venv="$(cache_dir)/conformance"
python_environment "$here/requirements.txt" "$venv" any_python

# Outside of the repository, so that no .env of a developer changes what is tested.
cd "$work"
export LOG_FORMAT=json RUST_LOG=info NO_COLOR=1
"$api" migrate >/dev/null
"$api" seed >/dev/null
if [ -n "${KAFKA_BOOTSTRAP_SERVERS:-}" ]; then "$api" topics >/dev/null; fi
# It exists before it is looked into.
: >"$log"
API_PORT=0 "$api" serve 2>>"$log" &
server=$!

address=""
until [ -n "$address" ]; do
  kill -0 "$server" 2>/dev/null || { cat "$log" >&2; die "hc-api did not start"; }
  address="$(sed -n 's/.*"address":"\([^"]*\)".*/\1/p' "$log" | head -n 1)"
  [ -n "$address" ] || sleep 0.1
done

status=0
"$venv/bin/schemathesis" --config-file "$here/schemathesis.toml" run "http://$address/openapi.json" \
  --wait-for-schema 10 "$@" </dev/null || status=$?
kill -0 "$server" || die "hc-api has died"

if grep -E '"level":"ERROR"|panicked' "$log" >"$work/errors"; then
  head -n 20 "$work/errors" >&2
  die "hc-api logged errors, see above"
fi
exit "$status"
