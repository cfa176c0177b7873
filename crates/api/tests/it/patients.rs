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
    assert_snapshot!(app.post("/patients", frank()).await, @"");
    assert_snapshot!(app.get("/patients/P006").await, @"");

    let mut renamed = frank();
    renamed["name"] = json!("Frank N. Moore");
    renamed["patientId"].take();
    renamed.as_object_mut().unwrap().remove("patientId");
    assert_snapshot!(app.put("/patients/P006", "\"1\"", renamed.clone()).await, @"");
    assert_snapshot!(app.put("/patients/P006", "\"1\"", renamed).await, @"");
    assert_snapshot!(app.patch("/patients/P006", json!({"zip_code": "15214"})).await, @"");
    assert_snapshot!(app.delete("/patients/P006", "\"2\"").await, @"");
    assert_snapshot!(app.delete("/patients/P006", "\"3\"").await, @"");
    assert_snapshot!(app.get("/patients/P006").await, @"");
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
            detail.contains("limit: must be a number from 1 to 1000"),
            "{detail}"
        );
    }
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_patient_with_a_device_stays(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    assert_snapshot!(app.delete("/patients/P001", "*").await, @"");
    assert_eq!(app.get("/patients/P001").await.status, 200);
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn what_is_wrong_is_said(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let mut taken = frank();
    taken["patientId"] = json!("P001");
    assert_snapshot!(app.post("/patients", taken).await, @"");

    let mut bad = frank();
    bad["patientId"] = json!("P/6");
    bad["gender"] = json!("X");
    bad["birthDate"] = json!("2026-06-02");
    assert_snapshot!(app.post("/patients", bad).await, @"");

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
