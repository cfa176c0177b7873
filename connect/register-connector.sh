#!/usr/bin/env bash
# Creates the Debezium connector, or brings it to the configuration of this repository. Safe to repeat.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
  cat <<'HELP'
Usage: connect/register-connector.sh [CONFIG.json]

  CONFIG.json   the connector's configuration (default: debezium-postgres-healthcare.json beside this script)

Environment:
  CONNECT_URL              the worker (default http://localhost:8083)
  DEBEZIUM_CONNECTOR_NAME  the connector's name (default debezium-postgres-healthcare)
  CONNECT_TIMEOUT_SECONDS  how long to wait for the worker, and then for the connector (default 90)

The database's address and credentials are not in the file: it names DB_HOST, DB_PORT, DB_USER, DB_PASSWORD and DB_NAME,
which the worker has in its environment.
HELP
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  -*) usage >&2; exit 2 ;;
esac

config="${1:-debezium-postgres-healthcare.json}"
url="${CONNECT_URL:-http://localhost:8083}"
name="${DEBEZIUM_CONNECTOR_NAME:-debezium-postgres-healthcare}"
limit="${CONNECT_TIMEOUT_SECONDS:-90}"

# The descriptor never delivers anything: a pause between two questions.
pause() { read -r -t 0.3 <> <(:) || true; }

fail() {
  echo "register-connector: $*" >&2
  exit 1
}

[ -f "$config" ] || fail "there is no $config"

deadline=$((SECONDS + limit))
while true; do
  # The last line is the HTTP status; 000 when nobody answers.
  answer="$(curl --silent --max-time 30 --write-out '\n%{http_code}' --request PUT \
    --header 'Content-Type: application/json' --data-binary "@$config" "$url/connectors/$name/config" || true)"
  case "${answer##*$'\n'}" in
    200 | 201) break ;;
    # Not up yet, starting, or sharing out the work (409).
    000 | 404 | 409 | 5??) [ "$SECONDS" -lt "$deadline" ] || fail "$url did not take $name within $limit s: $answer" ;;
    *) fail "$url refused $name: $answer" ;;
  esac
  pause
done

deadline=$((SECONDS + limit))
status=
until [[ "$status" == *'"tasks":[{'* && "$status" != *'"state":"UNASSIGNED"'* && "$status" != *'"state":"RESTARTING"'* ]]; do
  [ "$SECONDS" -lt "$deadline" ] || fail "$name has no running task after $limit s: $status"
  pause
  status="$(curl --silent --max-time 10 "$url/connectors/$name/status" || true)"
done
if [[ "$status" == *'"state":"FAILED"'* ]]; then
  # Without the trace, which can hold row values.
  fail "$name failed; ask $url/connectors/$name/status for the reason"
fi
echo "register-connector: $name runs"
