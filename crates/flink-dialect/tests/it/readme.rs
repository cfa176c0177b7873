//! The table of constructs in the gateway's README, which is made of the heads of the cases.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use crate::support::{Case, cases};

const START: &str =
    "<!-- constructs: written by UPDATE_EXPECTED=1 cargo test -p hc-flink-dialect --test it -->\n";
const END: &str = "<!-- end of constructs -->\n";
/// In the order of the README.
const GROUPS: [&str; 6] = [
    "Tables",
    "Formats",
    "Topics of others",
    "Time",
    "Queries",
    "Statements",
];

fn head<'a>(case: &'a Case, key: &str) -> &'a str {
    case.head(key)
        .unwrap_or_else(|| panic!("{}/case.sql has no line `-- {key}: `", case.name))
}

fn tables() -> String {
    let cases = cases();
    let mut out = String::new();
    for group in GROUPS {
        writeln!(
            out,
            "\n### {group}\n\n| Construct | Here | Case |\n|---|---|---|"
        )
        .unwrap();
        for case in cases.iter().filter(|case| head(case, "Group") == group) {
            let [construct, here] = ["Construct", "Here"].map(|key| head(case, key));
            let name = &case.name;
            assert!(!construct.contains('|') && !here.contains('|'), "{name}");
            writeln!(
                out,
                "| {construct} | {here} | [{name}](../flink-dialect/tests/cases/{name}/) |"
            )
            .unwrap();
        }
    }
    for case in &cases {
        let group = head(case, "Group");
        assert!(GROUPS.contains(&group), "{}: the group {group}", case.name);
    }
    out.push('\n');
    out
}

#[test]
fn the_readme_of_the_gateway_lists_every_case() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flink-gateway/README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(START).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let wanted = format!("{before}{START}{}{END}{after}", tables());
    if env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&path, &wanted).unwrap();
        return;
    }
    assert_eq!(readme, wanted, "run again with UPDATE_EXPECTED=1");
}
