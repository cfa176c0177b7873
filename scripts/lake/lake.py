"""Queries the lake with DuckDB, which reads Iceberg's files itself: neither Flink nor Kafka need to run.

Which metadata file of a table is the newest is what the catalog in Postgres knows; it is asked once, at the start. Every
table is a view of its name. One with deletions and corrections has a second view, <table>_now: its rows as they stand,
which is the last change of each key unless that is a deletion.
"""

import argparse
import importlib
import json
import os
import pathlib
import re
import sys

import duckdb

EXTENSIONS = ("avro", "iceberg", "postgres_scanner")
PLACE = "op, kafka_partition, kafka_offset, kafka_timestamp"


def main():
    parser = argparse.ArgumentParser(
        prog="lake",
        description="Queries the lake with DuckDB. Without SQL: what is in it.",
        epilog="Example: lake \"SELECT drift_direction, count(*) FROM hc_fct_drift_evts_now GROUP BY 1\"",
    )
    parser.add_argument("sql", nargs="?", help="SQL of DuckDB; tables are views of their names, see the table list")
    parser.add_argument("--as-of", metavar="TIME", help="the lake as it was then, UTC: '2026-11-21 10:00:00'")
    parser.add_argument("--snapshots", metavar="TABLE", help="the versions of a table that can be queried with --as-of")
    parser.add_argument("--json", action="store_true", help="rows as JSON, one in a line")
    parser.add_argument(
        "--catalog",
        metavar="URL",
        default=os.environ.get("LAKE_CATALOG_URL") or catalog_url(),
        help="database of the catalog; default: LAKE_CATALOG_URL, or the local one at POSTGRES_PORT",
    )
    arguments = parser.parse_args()

    try:
        connection = connect()
        tables = metadata_files(connection, arguments.catalog)
        if arguments.snapshots:
            sql = snapshots(tables, arguments.snapshots)
        else:
            for name, location in tables.items():
                create_views(connection, name, location, arguments.as_of)
            sql = arguments.sql or overview(tables)
        show(connection.sql(sql), arguments.json)
    except (duckdb.Error, LookupError) as error:
        sys.exit(f"lake: {error}")


def catalog_url():
    port = os.environ.get("POSTGRES_PORT") or "5432"
    return f"postgresql://lake:lake@127.0.0.1:{port}/lake"


def connect():
    """A DuckDB that downloads nothing: its extensions come from Python packages."""
    settings = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    connection = duckdb.connect(config=settings)
    for name in EXTENSIONS:
        package = importlib.import_module(f"duckdb_extension_{name}")
        folder = pathlib.Path(next(iter(package.__path__)))
        connection.load_extension(str(folder / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"))
    connection.sql("SET TimeZone = 'UTC'")
    return connection


def metadata_files(connection, catalog):
    """The newest metadata file of each table."""
    connection.sql(f"ATTACH {quote(catalog)} AS catalog (TYPE postgres, READ_ONLY)")
    rows = connection.sql(
        "SELECT table_name, metadata_location FROM catalog.public.iceberg_tables WHERE table_namespace = 'hc' ORDER BY 1"
    ).fetchall()
    connection.sql("DETACH catalog")
    return dict(rows)


def create_views(connection, name, location, as_of):
    scan = f"iceberg_scan({quote(location)})"
    if as_of:
        at = f"TIMESTAMP {quote(as_of)}"
        # A table that was not there yet, or had no row, is left out.
        earlier = f"SELECT count(*) FROM iceberg_snapshots({quote(location)}) WHERE timestamp_ms <= {at}"
        if connection.sql(earlier).fetchone()[0] == 0:
            return
        scan = f"iceberg_scan({quote(location)}, snapshot_from_timestamp => {at})"
    connection.sql(f'CREATE VIEW "{name}" AS FROM {scan}')
    if key := key_of(connection, location):
        columns = ", ".join(f'"{column}"' for column in key)
        connection.sql(
            f'CREATE VIEW "{name}_now" AS SELECT * EXCLUDE ({PLACE}) FROM (FROM "{name}" '
            f"QUALIFY row_number() OVER (PARTITION BY {columns} ORDER BY kafka_offset DESC) = 1) WHERE op <> 'd'"
        )


def key_of(connection, location):
    """The key is a property of the table, in its metadata."""
    text = connection.sql(f"SELECT content FROM read_text({quote(location)})").fetchone()[0]
    return [column for column in json.loads(text)["properties"].get("hc.key", "").split(",") if column]


def overview(tables):
    if not tables:
        raise LookupError("it is empty: it is filled by ./start_dev_mode.sh, or by hc-flink-gateway lake")
    parts = [
        f"SELECT {quote(name)} AS \"table\", count(*) AS files, coalesce(sum(record_count), 0)::BIGINT AS rows "
        f"FROM iceberg_metadata({quote(location)}) WHERE status <> 'DELETED'"
        for name, location in tables.items()
    ]
    return " UNION ALL ".join(parts) + " ORDER BY 1"


def snapshots(tables, name):
    if name not in tables:
        raise LookupError(f"there is no table {name}; there are: {', '.join(tables)}")
    return (
        "SELECT snapshot_id, timestamp_ms AS committed_at, operation "
        f"FROM iceberg_snapshots({quote(tables[name])}) ORDER BY sequence_number"
    )


def quote(text):
    return "'" + re.sub("'", "''", text) + "'"


def show(relation, as_json):
    if relation is None:
        return
    if not as_json:
        relation.show(max_rows=1000, max_width=200)
        return
    # The relation's name must not be that of a column.
    rows = relation.query("whole_row", "SELECT to_json(whole_row)::VARCHAR FROM whole_row")
    for (row,) in rows.fetchall():
        print(row)


if __name__ == "__main__":
    main()
