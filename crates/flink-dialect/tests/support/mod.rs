//! Golden cases: `tests/cases/<construct>/case.sql`, with what becomes of it in `expected.txt` beside it.
//!
//! The head of a case says what it is about, for the reader and for the gateway's README: `-- Group: `,
//! `-- Construct: ` and `-- Here: ` (what becomes of it), in Markdown. `-- Flink refuses: ` has a part of the planner's
//! message about the last statement. Files `<topic>-value.avsc` and `<topic>-key.avsc` are the subjects of a topic that somebody else owns.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hc_flink_dialect::{Namespace, Table, infer_table};
use serde_json::Value;

pub(crate) struct Case {
    /// Its folder's name.
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) sql: String,
}

impl Case {
    fn read(folder: PathBuf) -> Self {
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let sql = fs::read_to_string(folder.join("case.sql"))
            .unwrap_or_else(|error| panic!("{name}/case.sql: {error}"));
        Self { name, folder, sql }
    }

    /// What the head says: the rest of the line `-- <key>: ...`.
    pub(crate) fn head(&self, key: &str) -> Option<&str> {
        let start = format!("-- {key}: ");
        self.sql.lines().find_map(|line| line.strip_prefix(&start))
    }

    /// What is inferred from the subjects in the folder, by topic.
    pub(crate) fn inferred(&self) -> BTreeMap<String, Result<Table, String>> {
        let schema = |file: String| {
            fs::read_to_string(self.folder.join(file))
                .ok()
                .map(|text| serde_json::from_str::<Value>(&text).unwrap())
        };
        let mut tables = BTreeMap::new();
        for entry in fs::read_dir(&self.folder).unwrap() {
            let file = entry.unwrap().file_name().into_string().unwrap();
            if let Some(topic) = file.strip_suffix("-value.avsc") {
                let key = schema(format!("{topic}-key.avsc"));
                let value = schema(file.clone()).unwrap();
                let table = infer_table(topic, key.as_ref(), &value, 3);
                tables.insert(topic.to_owned(), table.map_err(|error| error.to_string()));
            }
        }
        tables
    }
}

/// All cases, by name.
pub(crate) fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut folders: Vec<PathBuf> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    folders.into_iter().map(Case::read).collect()
}

/// The environment and cluster that the cases know.
pub(crate) fn namespace() -> Namespace {
    Namespace::new(["env-000000", "local"], ["lkc-000000", "cluster"])
}
