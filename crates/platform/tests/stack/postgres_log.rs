//! What Postgres writes down about statements that fail.

use std::fs;

use hc_platform::{Server, Stack};
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn neither_rows_nor_statements_are_logged() {
    let stack = Stack::builder()
        .servers([Server::Postgres])
        .start()
        .await
        .unwrap();
    let mut connection = PgConnection::connect(&stack.env()["DATABASE_URL"])
        .await
        .unwrap();
    for statement in [
        "CREATE TABLE people (name text CONSTRAINT one_each UNIQUE CONSTRAINT is_short CHECK (length(name) < 10))",
        "INSERT INTO people VALUES ('Zyxw')",
    ] {
        sqlx::raw_sql(statement)
            .execute(&mut connection)
            .await
            .unwrap();
    }
    for name in ["Zyxw", "Zyxw Zyxw Zyxw"] {
        let bound = sqlx::query("INSERT INTO people VALUES ($1)").bind(name);
        assert!(bound.execute(&mut connection).await.is_err());
    }
    for statement in [
        "INSERT INTO people VALUES ('Zyxw')",
        "UPDATE people SET name = 'Zyxw Zyxw Zyxw'",
    ] {
        let literal = sqlx::raw_sql(statement).execute(&mut connection).await;
        assert!(literal.is_err(), "{statement}");
    }
    let log = fs::read_to_string(stack.log(Server::Postgres)).unwrap();
    for constraint in ["one_each", "is_short"] {
        assert_eq!(log.matches(constraint).count(), 2, "{log}");
    }
    assert!(!log.contains("Zyxw"), "{log}");
}
