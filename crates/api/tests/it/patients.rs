use insta::assert_snapshot;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::TestApp;

fn frank() -> Value {
    json!({
        "patientId": "P006",
        "name": "Frank Moore",
        "gender": "M",
        "birthDate": "1969-04-30",
        "zipCode": "15213",
        "timezone": "America/New_York",
    })
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn the_life_of_a_patient(pool: PgPool) {
    let app = TestApp::empty(pool).await;
    assert_snapshot!(app.post("/patients", frank()).await, @r#"
    201 Created
    content-type: application/json
    etag: "1"
    location: /patients/P006
    {
      "birthDate": "1969-04-30",
      "createdAt": "2026-06-01T00:00:00Z",
      "gender": "M",
      "name": "Frank Moore",
      "patientId": "P006",
      "timezone": "America/New_York",
      "updatedAt": "2026-06-01T00:00:00Z",
      "version": 1,
      "zipCode": "15213"
    }
    "#);
    assert_snapshot!(app.get("/patients/P006").await, @r#"
    200 OK
    content-type: application/json
    etag: "1"
    {
      "birthDate": "1969-04-30",
      "createdAt": "2026-06-01T00:00:00Z",
      "gender": "M",
      "name": "Frank Moore",
      "patientId": "P006",
      "timezone": "America/New_York",
      "updatedAt": "2026-06-01T00:00:00Z",
      "version": 1,
      "zipCode": "15213"
    }
    "#);

    let mut renamed = frank();
    renamed["name"] = json!("Frank N. Moore");
    renamed.as_object_mut().unwrap().remove("patientId");
    assert_snapshot!(app.put("/patients/P006", "\"1\"", renamed.clone()).await, @r#"
    200 OK
    content-type: application/json
    etag: "2"
    {
      "birthDate": "1969-04-30",
      "createdAt": "2026-06-01T00:00:00Z",
      "gender": "M",
      "name": "Frank N. Moore",
      "patientId": "P006",
      "timezone": "America/New_York",
      "updatedAt": "2026-06-01T00:00:01Z",
      "version": 2,
      "zipCode": "15213"
    }
    "#);
    assert_snapshot!(app.put("/patients/P006", "\"1\"", renamed).await, @r#"
    412 Precondition Failed
    content-type: application/problem+json
    {
      "detail": "The resource has changed; its version is now 2. Get it again and repeat the change.",
      "requestId": "eccfc4ca-a8cd-4b63-87cb-56ff66cd60b5",
      "status": 412,
      "title": "Precondition Failed",
      "type": "about:blank"
    }
    "#);
    assert_snapshot!(app.patch("/patients/P006", json!({"zip_code": "15214"})).await, @r#"
    200 OK
    content-type: application/json
    etag: "3"
    {
      "birthDate": "1969-04-30",
      "createdAt": "2026-06-01T00:00:00Z",
      "gender": "M",
      "name": "Frank N. Moore",
      "patientId": "P006",
      "timezone": "America/New_York",
      "updatedAt": "2026-06-01T00:00:03Z",
      "version": 3,
      "zipCode": "15214"
    }
    "#);
    assert_snapshot!(app.delete("/patients/P006", "\"2\"").await, @r#"
    412 Precondition Failed
    content-type: application/problem+json
    {
      "detail": "The resource has changed; its version is now 3. Get it again and repeat the change.",
      "requestId": "c680488a-0d74-4233-9cc4-56696589ef0f",
      "status": 412,
      "title": "Precondition Failed",
      "type": "about:blank"
    }
    "#);
    assert_snapshot!(app.delete("/patients/P006", "\"3\"").await, @r#"
    204 No Content
    "#);
    assert_snapshot!(app.get("/patients/P006").await, @r#"
    404 Not Found
    content-type: application/problem+json
    {
      "detail": "There is no patient P006.",
      "requestId": "0940bd24-25d6-4c31-ae54-105d35de6024",
      "status": 404,
      "title": "Not Found",
      "type": "about:blank"
    }
    "#);
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_list_has_pages(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let first = app.get("/patients?limit=2").await;
    assert_eq!(first.column("patientId"), ["P001", "P002"]);
    assert_eq!(first.headers["link"], "<?limit=2&after=P002>; rel=\"next\"");
    let second = app.get("/patients?limit=2&after=P002").await;
    assert_eq!(second.column("patientId"), ["P003", "P004"]);
    let last = app.get("/patients?limit=2&after=P004").await;
    assert_eq!(last.column("patientId"), ["P005"]);
    assert!(!last.headers.contains_key("link"));
    let exact = app.get("/patients?limit=5").await;
    assert!(!exact.headers.contains_key("link"), "five of five are all");
    for limit in ["0", "1001", "-1", "many"] {
        let answer = app.get(&format!("/patients?limit={limit}")).await;
        assert_eq!(answer.status, 400);
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(
            detail.contains("limit: must be a whole number from 1 to 1000"),
            "{detail}"
        );
    }
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_patient_with_a_device_stays(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    assert_snapshot!(app.delete("/patients/P001", "*").await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "Patient P001 is still referred to by 1 device and 1 prescription; remove that first.",
      "referencedBy": [
        {
          "id": "DEV-P001",
          "kind": "device"
        },
        {
          "id": "RX-DEV-P001-a3F9",
          "kind": "prescription"
        }
      ],
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 409,
      "title": "Conflict",
      "type": "urn:problem:still-referenced"
    }
    "#);
    assert_eq!(app.get("/patients/P001").await.status, 200);
    assert_eq!(app.get("/patients/%00").await.status, 400);
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn what_is_wrong_is_said(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let mut taken = frank();
    taken["patientId"] = json!("P001");
    assert_snapshot!(app.post("/patients", taken).await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "detail": "There is already a patient P001.",
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 409,
      "title": "Conflict",
      "type": "about:blank"
    }
    "#);

    let mut bad = frank();
    bad["patientId"] = json!("P/6");
    bad["gender"] = json!("X");
    bad["birthDate"] = json!("2026-06-02");
    assert_snapshot!(app.post("/patients", bad).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    {
      "detail": "The request body is not valid.",
      "errors": [
        {
          "detail": "must consist of letters, digits, '-', '_' and '.', but contains '/'",
          "pointer": "/patientId"
        },
        {
          "detail": "must be F, M, O or U",
          "pointer": "/gender"
        },
        {
          "detail": "must not be in the future",
          "pointer": "/birthDate"
        }
      ],
      "requestId": "dac94832-5ac1-4f6d-9325-64371735f32c",
      "status": 422,
      "title": "Unprocessable Entity",
      "type": "about:blank"
    }
    "#);

    let mut other = frank();
    other["patientId"] = json!("P002");
    assert_eq!(
        app.put("/patients/P001", "*", other).await.errors(),
        ["/patientId: cannot be changed; the path says P001"]
    );
    assert_eq!(
        app.patch("/patients/P001", json!({"name": null}))
            .await
            .errors(),
        ["/name: is required"]
    );
    assert_eq!(
        app.patch("/patients/P001", json!({"birthDate": "soon"}))
            .await
            .errors(),
        ["/birthDate: must be a date such as 1980-05-12"]
    );
}
