use axum::http::Method;
use futures::future::{join, join_all};
use insta::assert_snapshot;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Answer, NOW, STORY_START, TestApp};

const DAY: i64 = 86_400_000;

/// For the time before the seeded prescriptions.
fn earlier() -> Value {
    json!({
        "patientId": "P001",
        "deviceId": "DEV-P001",
        "medicationOrTherapy": "CPAP",
        "startDate": 1_000,
        "endDate": 2_000,
        "parameters": [{"parameterName": "Pressure", "parameterValue": 9.5, "parameterTolerance": 1}],
    })
}

fn with(change: fn(&mut Value)) -> Value {
    let mut body = earlier();
    change(&mut body);
    body
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn the_life_of_a_prescription(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let created = app.post("/prescriptions", earlier()).await;
    assert_snapshot!(created, @r#"
    201 Created
    content-type: application/json
    etag: "1"
    location: /prescriptions/RX-DEV-P001-MbNL
    {
      "createdAt": "2026-06-01T00:00:00Z",
      "deviceId": "DEV-P001",
      "endDate": 2000,
      "medicationOrTherapy": "CPAP",
      "parameters": [
        {
          "parameterName": "Pressure",
          "parameterTolerance": 1.0,
          "parameterType": "float",
          "parameterValue": 9.5,
          "unit": "cm[H2O]"
        }
      ],
      "patientId": "P001",
      "prescriptionId": "RX-DEV-P001-MbNL",
      "startDate": 1000,
      "updatedAt": "2026-06-01T00:00:00Z",
      "version": 1
    }
    "#);
    let path = created.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(app.get(&path).await.json(), created.json());

    let mut corrected = created.json();
    corrected["parameters"][0]["parameterTolerance"] = json!(0.25);
    assert_snapshot!(app.put(&path, "\"1\"", corrected).await, @r#"
    200 OK
    content-type: application/json
    etag: "2"
    {
      "createdAt": "2026-06-01T00:00:00Z",
      "deviceId": "DEV-P001",
      "endDate": 2000,
      "medicationOrTherapy": "CPAP",
      "parameters": [
        {
          "parameterName": "Pressure",
          "parameterTolerance": 0.25,
          "parameterType": "float",
          "parameterValue": 9.5,
          "unit": "cm[H2O]"
        }
      ],
      "patientId": "P001",
      "prescriptionId": "RX-DEV-P001-MbNL",
      "startDate": 1000,
      "updatedAt": "2026-06-01T00:00:01Z",
      "version": 2
    }
    "#);
    let open = app
        .patch(&path, json!({"endDate": STORY_START - 2 * DAY}))
        .await;
    assert_eq!(open.json()["endDate"], STORY_START - 2 * DAY);
    assert_eq!(open.json()["version"], 3);
    assert_eq!(app.delete(&path, "\"1\"").await.status, 412);
    assert_eq!(app.delete(&path, "\"3\"").await.status, 204);
    assert_eq!(app.get(&path).await.status, 404);
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn lists_can_be_filtered(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    assert_eq!(app.post("/prescriptions", earlier()).await.status, 201);
    assert_eq!(app.get("/prescriptions").await.column("deviceId").len(), 6);
    for filter in ["patientId=P001", "deviceId=DEV-P001"] {
        let page = app.get(&format!("/prescriptions?limit=1&{filter}")).await;
        assert_eq!(page.column("deviceId"), ["DEV-P001"]);
        let link = page.headers["link"].to_str().unwrap();
        assert!(
            link.ends_with(&format!("&{filter}>; rel=\"next\"")),
            "{link}"
        );
        assert_eq!(
            app.get(&format!("/prescriptions?{filter}"))
                .await
                .column("deviceId")
                .len(),
            2
        );
    }
    assert_eq!(app.get("/prescriptions?deviceId=DEV-P009").await.text, "[]");
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn the_spelling_of_the_topics_is_accepted(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let body = json!({
        "prescription_id": "RX-ignored",
        "patient_id": "P001",
        "device_id": "DEV-P001",
        "start_date": 1_000,
        "end_date": 2_000,
        "parameters": "[{\"parameter_name\": \"FlowRate\", \"parameter_value\": 2.5, \
            \"parameter_type\": \"float\", \"parameter_tolerance\": 0.5}]",
    });
    let created = app.post("/prescriptions", body).await;
    assert_eq!(created.status, 201, "{created}");
    assert_eq!(created.json()["parameters"][0]["unit"], "L/min");
    assert_eq!(created.json()["medicationOrTherapy"], "");
    assert_ne!(created.json()["prescriptionId"], "RX-ignored");
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_start_that_is_not_given_is_the_story_time(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let ended = app
        .patch(
            "/prescriptions/RX-DEV-P001-a3F9",
            json!({"endDate": STORY_START - 1_000_000}),
        )
        .await;
    assert_eq!(ended.status, 200, "{ended}");
    let body = with(|b| {
        b.as_object_mut().unwrap().remove("startDate");
        b["endDate"] = Value::Null;
    });
    let created = app.post("/prescriptions", body).await;
    assert_eq!(created.status, 201, "{created}");
    let start = created.json()["startDate"].as_i64().unwrap();
    assert_eq!(start, app.simulation.story_time());
    assert!(
        (STORY_START - 600_000..=STORY_START).contains(&start),
        "{start}"
    );
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn what_is_wrong_is_said_and_where(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let errors =
        async |change: fn(&mut Value)| app.post("/prescriptions", with(change)).await.errors();

    assert_eq!(
        errors(|b| {
            b["deviceId"] = json!("DEV-P999");
            b["patientId"] = json!("P999");
        })
        .await,
        [
            "/patientId: is not the id of a patient",
            "/deviceId: is not the id of a device"
        ]
    );
    assert_eq!(
        errors(|b| b["deviceId"] = json!("DEV-P002")).await,
        ["/deviceId: is not worn by patient P001"]
    );
    assert_eq!(
        errors(|b| b["parameters"][0]["parameterTolerance"] = json!(-1)).await,
        ["/parameters/0/parameterTolerance: must not be negative"]
    );
    assert_eq!(
        errors(|b| b["parameters"][0]["parameterValue"] = json!("ten")).await,
        ["/parameters/0/parameterValue: must be a number"]
    );
    assert_eq!(
        errors(|b| b["endDate"] = json!(1_000)).await,
        ["/endDate: must be after startDate"]
    );
    assert_eq!(
        errors(|b| {
            let again = b["parameters"][0].clone();
            b["parameters"].as_array_mut().unwrap().push(again);
        })
        .await,
        ["/parameters/1/parameterName: Pressure is prescribed twice; a metric may appear once"]
    );
    assert_eq!(
        errors(|b| b["parameters"] = json!([])).await,
        ["/parameters: must have at least one parameter"]
    );
    assert_eq!(
        errors(|b| b["parameters"] = json!("[{")).await,
        [
            "/parameters: must be an array, or an array as JSON text: EOF while parsing an object at line 1 column 2"
        ]
    );
    assert_eq!(
        errors(|b| {
            b["parameters"][0]
                .as_object_mut()
                .unwrap()
                .remove("parameterTolerance");
        })
        .await,
        ["/parameters/0/parameterTolerance: is required"]
    );
    assert_eq!(
        errors(|b| {
            b["endDat"] = json!(5);
        })
        .await,
        [
            "/endDat: is not known here; the fields are patientId, deviceId, medicationOrTherapy, startDate, endDate, \
          parameters, supersedes"
        ]
    );
    let moved = app
        .patch(
            "/prescriptions/RX-DEV-P001-a3F9",
            json!({"deviceId": "DEV-P002"}),
        )
        .await;
    assert_eq!(
        moved.errors(),
        ["/deviceId: cannot be changed; end this prescription and create one for the other device"]
    );
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_change_says_which_version_it_is_meant_for(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let path = "/prescriptions/RX-DEV-P001-a3F9";
    let current = app.get(path).await.json();
    let put = app.send(Method::PUT, path, &[], Some(current)).await;
    assert_snapshot!(put, @r#"
    428 Precondition Required
    content-type: application/problem+json
    {
      "detail": "This change needs an If-Match header with the ETag of the version that it is meant for.",
      "requestId": "dac94832-5ac1-4f6d-9325-64371735f32c",
      "status": 428,
      "title": "Precondition Required",
      "type": "about:blank"
    }
    "#);
    assert_eq!(app.send(Method::DELETE, path, &[], None).await.status, 428);
    let stale = app
        .send(
            Method::PATCH,
            path,
            &[("if-match", "\"7\"")],
            Some(json!({"endDate": null})),
        )
        .await;
    assert_snapshot!(stale, @r#"
    412 Precondition Failed
    content-type: application/problem+json
    {
      "detail": "The resource has changed; its version is now 1. Get it again and repeat the change.",
      "requestId": "eccfc4ca-a8cd-4b63-87cb-56ff66cd60b5",
      "status": 412,
      "title": "Precondition Failed",
      "type": "about:blank"
    }
    "#);
    assert_eq!(
        app.delete(path, "1").await.status,
        400,
        "an entity tag has quotes"
    );
}

/// Answers of requests about the device DEV-P001 that are all under way before any of them is let through.
async fn at_once(
    pool: &PgPool,
    requests: impl Iterator<Item = impl Future<Output = Answer>>,
) -> Vec<Answer> {
    let mut gate = pool.begin().await.unwrap();
    sqlx::query("SELECT FROM devices WHERE device_id = 'DEV-P001' FOR UPDATE")
        .execute(&mut *gate)
        .await
        .unwrap();
    let requests: Vec<_> = requests.collect();
    let wanted = i64::try_from(requests.len()).unwrap();
    let open_gate = async {
        let waiting = "SELECT count(*) FROM pg_stat_activity \
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waiting)
            .fetch_one(&mut *gate)
            .await
            .unwrap()
            < wanted
        {
            // The view stands still within a transaction unless it is told otherwise.
            sqlx::query("SELECT pg_stat_clear_snapshot()")
                .execute(&mut *gate)
                .await
                .unwrap();
            tokio::task::yield_now().await;
        }
        gate.commit().await.unwrap();
    };
    join(join_all(requests), open_gate).await.0
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn of_two_changes_of_one_version_one_is_refused(pool: PgPool) {
    let app = TestApp::seeded(pool.clone()).await;
    let path = "/prescriptions/RX-DEV-P001-a3F9";
    let mut body = app.get(path).await.json();
    for round in 1..=5 {
        let tag = format!("\"{round}\"");
        let changes = (0..4).map(|writer| {
            body["medicationOrTherapy"] = json!(format!("therapy {round}.{writer}"));
            app.put(path, &tag, body.clone())
        });
        let answers = at_once(&pool, changes).await;
        let mut codes: Vec<u16> = answers
            .iter()
            .map(|answer| answer.status.as_u16())
            .collect();
        codes.sort_unstable();
        assert_eq!(codes, [200, 412, 412, 412]);
        let winner = answers.iter().find(|answer| answer.status == 200).unwrap();
        assert_eq!(app.get(path).await.json(), winner.json(), "nothing is lost");
    }
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn of_sixty_pairs_of_changes_nothing_is_lost(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let path = "/prescriptions/RX-DEV-P001-a3F9";
    for round in 0..60 {
        let (therapy, end) = (format!("therapy {round}"), NOW + round);
        let (one, other) = join(
            app.patch(path, json!({"medicationOrTherapy": therapy})),
            app.patch(path, json!({"endDate": end})),
        )
        .await;
        assert_eq!((one.status.as_u16(), other.status.as_u16()), (200, 200));
        let now = app.get(path).await.json();
        assert_eq!(now["medicationOrTherapy"], therapy);
        assert_eq!(now["endDate"], end);
        assert_eq!(now["version"], 3 + 2 * round);
    }
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn prescriptions_do_not_overlap(pool: PgPool) {
    let app = TestApp::seeded(pool.clone()).await;
    // The seeded prescription of the device has started, and has no end.
    let late = with(|b| {
        b["startDate"] = json!(STORY_START + DAY);
        b["endDate"] = Value::Null;
    });
    assert_snapshot!(app.post("/prescriptions", late).await, @r#"
    409 Conflict
    content-type: application/problem+json
    {
      "conflictsWith": [
        "RX-DEV-P001-a3F9"
      ],
      "detail": "The device already has a prescription for Pressure in this period: RX-DEV-P001-a3F9. To change the therapy, send the request again with \"supersedes\" set to that prescription.",
      "requestId": "611830d3-641a-48f9-8a69-0dcc25d1f4b0",
      "status": 409,
      "title": "Conflict",
      "type": "urn:problem:overlapping-prescription"
    }
    "#);

    // Four at once, for a time in which there is none: one gets it.
    let answers = at_once(&pool, (0..4).map(|_| app.post("/prescriptions", earlier()))).await;
    let mut codes: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status.as_u16())
        .collect();
    codes.sort_unstable();
    assert_eq!(codes, [201, 409, 409, 409]);

    // A correction must not overlap either.
    let created = answers.iter().find(|answer| answer.status == 201).unwrap();
    let path = created.headers["location"].to_str().unwrap();
    assert_eq!(app.patch(path, json!({"endDate": null})).await.status, 409);

    let another_metric = with(|b| b["parameters"][0]["parameterName"] = json!("FlowRate"));
    assert_eq!(app.post("/prescriptions", another_metric).await.status, 201);
    let afterwards = with(|b| {
        b["startDate"] = json!(2_000);
        b["endDate"] = json!(3_000);
    });
    assert_eq!(
        app.post("/prescriptions", afterwards).await.status,
        201,
        "the end is exclusive"
    );
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_therapy_change_ends_the_old_prescription(pool: PgPool) {
    let app = TestApp::seeded(pool).await;
    let old = "/prescriptions/RX-DEV-P001-a3F9";
    let change = with(|b| {
        b["startDate"] = json!(NOW);
        b["endDate"] = Value::Null;
        b["supersedes"] = json!("RX-DEV-P001-a3F9");
    });
    let created = app.post("/prescriptions", change.clone()).await;
    assert_eq!(created.status, 201, "{created}");
    let ended = app.get(old).await.json();
    assert_eq!(
        (&ended["endDate"], &ended["version"]),
        (&json!(NOW), &json!(2))
    );

    let mut refused = change;
    let mut post = async |field: &str, value: Value| {
        refused[field] = value;
        app.post("/prescriptions", refused.clone()).await.errors()
    };
    assert_eq!(
        post("startDate", json!(NOW + 1)).await,
        ["/supersedes: has ended before the new one starts"]
    );
    assert_eq!(
        post("startDate", json!(0)).await[0]
            .split_once(',')
            .unwrap()
            .0,
        "/startDate: must be after the start of the superseded prescription"
    );
    assert_eq!(
        post("supersedes", json!("RX-none")).await,
        ["/supersedes: is not the id of a prescription"]
    );
    assert_eq!(
        post("supersedes", json!("RX-DEV-P002-k7Qm")).await,
        ["/supersedes: is a prescription of another device, DEV-P002"]
    );
    assert_eq!(
        app.get("/prescriptions?deviceId=DEV-P001")
            .await
            .column("deviceId")
            .len(),
        2
    );
    assert_eq!(
        app.get(old).await.json(),
        ended,
        "a refused change leaves no trace"
    );
}
