//! Filters, orders and pages of lists, with and without a database.

use hc_api::state::Records;
use serde_json::json;
use sqlx::PgPool;

use crate::support::TestApp;

/// Follows the links of a list to its end; `field` of every row.
async fn walk(app: &TestApp, path: &str, query: &str, field: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut next = format!("?{query}");
    loop {
        let page = app.get(&format!("{path}{next}")).await;
        assert_eq!(page.status, 200, "{path}{next} {page}");
        all.extend(page.column(field));
        let Some(link) = page.headers.get("link") else {
            return all;
        };
        let link = link.to_str().unwrap();
        next = link[1..link.find('>').unwrap()].to_owned();
    }
}

async fn every_list(app: &TestApp) {
    let check = async |path: &str, query: &str, field: &str, expected: &[&str]| {
        // A page of each size: the order must not depend on where a page ends.
        for limit in [1, 2, 100] {
            let query = format!("limit={limit}&{query}");
            assert_eq!(
                walk(app, path, &query, field).await,
                expected,
                "{path}?{query}"
            );
        }
    };
    let id = "patientId";
    check(
        "/patients",
        "sort=-patientId",
        id,
        &["P005", "P004", "P003", "P002", "P001"],
    )
    .await;
    check(
        "/patients",
        "sort=birthDate",
        id,
        &["P002", "P001", "P005", "P004", "P003"],
    )
    .await;
    check(
        "/patients",
        "sort=-name",
        "name",
        &[
            "Lindsay Lee",
            "Eve Brown",
            "Carol White",
            "Bob Jones",
            "Alice Smith",
        ],
    )
    .await;
    // All were made at once: the identifier decides.
    check(
        "/patients",
        "sort=-createdAt",
        id,
        &["P005", "P004", "P003", "P002", "P001"],
    )
    .await;
    check("/patients", "q=E%20B", "name", &["Eve Brown"]).await;
    check("/patients", "q=%25", id, &[]).await;
    check("/patients", "deviceId=DEV-P002", id, &["P002"]).await;

    let id = "deviceId";
    check("/devices", "patientId=P003", id, &["DEV-P003"]).await;
    check(
        "/devices",
        "q=sn00&sort=-batteryLevel",
        id,
        &["DEV-P004", "DEV-P001", "DEV-P002", "DEV-P003", "DEV-P005"],
    )
    .await;
    check(
        "/devices",
        "sort=softwareVersion",
        id,
        &["DEV-P001", "DEV-P003", "DEV-P005", "DEV-P002", "DEV-P004"],
    )
    .await;

    check(
        "/prescriptions",
        "sort=-endDate&q=cpap",
        id,
        &["DEV-P005", "DEV-P004", "DEV-P003", "DEV-P002", "DEV-P001"],
    )
    .await;
    check(
        "/prescriptions",
        "q=cpap&patientId=P004&deviceId=DEV-P004",
        id,
        &["DEV-P004"],
    )
    .await;
    check(
        "/prescriptions",
        "patientId=P004&deviceId=DEV-P001",
        id,
        &[],
    )
    .await;

    for (query, part) in [
        (
            "/patients?sort=zipCode",
            "sort: must be one of patientId, name, birthDate",
        ),
        (
            "/patients?colour=red",
            "colour: is not known here; the parameters are limit, patientId",
        ),
        ("/patients?limit=5&limit=6", "limit: is given twice"),
        ("/patients?q=%00", "q: must not contain the character NUL"),
        ("/devices?patientId=P%2F1", "patientId: "),
        ("/devices?q=", "q: must have 1 to 100 characters"),
        (
            "/prescriptions?sort=startDate&after=RX-1",
            "after: is not from the Link",
        ),
        (
            "/drift?devce=x",
            "devce: is not known here; the parameters are deviceId, metric, limit",
        ),
    ] {
        let answer = app.get(query).await;
        assert_eq!(answer.status, 400, "{query} {answer}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(part), "{query}: {detail}");
        let error = &answer.json()["errors"][0];
        let named = format!(
            "{}: {}",
            error["parameter"].as_str().unwrap(),
            error["detail"].as_str().unwrap()
        );
        assert_eq!(detail, format!("Parameter {named}."));
    }
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn lists_are_filtered_and_sorted(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    every_list(&app).await;
    let named = app.get("/prescriptions?q=lindsay").await;
    assert_eq!(named.column("patientId"), ["P004"], "by the patient's name");
    let wrong = app
        .get("/prescriptions?sort=startDate&after=RX-1:soon")
        .await;
    assert_eq!(wrong.status, 400, "{wrong}");
}

#[tokio::test]
async fn lists_of_demonstration_data_too() {
    let app = TestApp::new(TestApp::demo_records()).await;
    assert!(matches!(app.state.records, Records::Demo(_)));
    every_list(&app).await;
    app.stop().await;
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_page_goes_on_where_the_last_one_ended_whatever_happened_since(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    for spare in ["DEV-S1", "DEV-S2"] {
        let body = json!({
            "deviceId": spare, "manufacturer": "Acme Medical", "modelType": "CPAP-Pro",
            "serialNumber": spare, "softwareVersion": "1.2.0", "hwModel": "RMD-110",
            "pressureSetting": 10, "flowRateSetting": 2.5, "flowLevelSetting": 150,
        });
        assert_eq!(app.post("/devices", body).await.status, 201);
    }
    let first = app.get("/devices?limit=1&sort=batteryLevel").await;
    assert_eq!(first.column("deviceId"), ["DEV-S1"], "unknown comes first");
    let link = first.headers["link"].to_str().unwrap();
    assert_eq!(
        link,
        "<?limit=1&after=DEV-S1%3A-1&sort=batteryLevel>; rel=\"next\""
    );
    // The row that the page ended with goes.
    assert_eq!(app.delete("/devices/DEV-S1", "*").await.status, 204);
    let next = format!("/devices{}", &link[1..link.find('>').unwrap()]);
    assert_eq!(app.get(&next).await.column("deviceId"), ["DEV-S2"]);
}
