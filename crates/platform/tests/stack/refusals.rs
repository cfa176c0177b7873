//! What it does not do: start on taken ports, delete what is not its own.

use std::fs;
use std::net::TcpListener;

use crate::home::{Home, outside, text};

#[test]
fn a_taken_port_is_named_with_its_owner_before_anything_starts() {
    let home = Home::new();
    let _listener = TcpListener::bind(("127.0.0.1", home.ports().postgres)).unwrap();
    let owner = format!(
        "{} (postgres) is taken by process {}",
        home.ports().postgres,
        std::process::id()
    );

    let doctor = home.run(&["doctor"]);
    assert!(!doctor.status.success());
    assert!(
        text(&doctor.stdout).contains(&owner),
        "{}",
        text(&doctor.stdout)
    );

    let up = home.run(&["up", "--only", "postgres,kafka"]);
    assert!(!up.status.success());
    assert!(text(&up.stderr).contains(&owner), "{}", text(&up.stderr));
    assert!(home.processes().is_empty());
    assert!(!home.data().join("logs").exists());
}

#[test]
fn reset_deletes_what_was_made_and_nothing_else() {
    let (home, other) = (Home::new(), Home::new());
    for one in [&home, &other] {
        let mut supervisor = one.start(&["up", "--only", "postgres"]);
        one.ready();
        assert!(one.run(&["down"]).status.success());
        supervisor.wait().unwrap();
    }
    let neighbour = home.data().with_file_name("neighbour");
    fs::write(&neighbour, "mine").unwrap();
    let (ours, theirs) = (outside(&home.data()), outside(&other.data()));

    assert!(home.run(&["reset", "--yes"]).status.success());
    assert!(!home.data().exists());
    assert!(ours.is_none_or(|folder| !folder.exists()));
    assert_eq!(fs::read_to_string(&neighbour).unwrap(), "mine");
    assert!(other.data().is_dir() && theirs.is_none_or(|folder| folder.is_dir()));

    // A folder of somebody else, by a mistyped --data-dir.
    let foreign = neighbour.parent().unwrap();
    let refused = home.run(&["--data-dir", foreign.to_str().unwrap(), "reset", "--yes"]);
    assert!(!refused.status.success());
    assert!(neighbour.exists());
}
