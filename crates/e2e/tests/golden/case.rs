//! A case is a folder: `given.1.yaml`, `expect.1.yaml`, and so on.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use hc_e2e::{Change, Pipelines, Row, repository};
use serde_json::Value;

/// A case that was found; its files are read when it runs.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// `<table>/<folder>`
    pub(crate) name: String,
    pub(crate) table: String,
    pub(crate) folder: PathBuf,
}

/// The files of a case.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) stages: Vec<Stage>,
    /// The job goes on after the last stage, and is not waited for.
    pub(crate) unbounded: bool,
}

/// What happens, and what stands when it has happened.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) given: BTreeMap<String, Vec<Change>>,
    pub(crate) expected: BTreeMap<String, Vec<Row>>,
}

impl Found {
    /// The folder as seen from the repository.
    pub(crate) fn shown(&self) -> &Path {
        self.folder
            .strip_prefix(repository())
            .unwrap_or(&self.folder)
    }
}

/// Every folder in a table's `tests` folder.
pub(crate) fn find(pipelines: &Pipelines) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for (table, definition) in &pipelines.tables {
        let tests = definition.folder.join("tests");
        if !tests.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&tests)? {
            let folder = entry?.path();
            if folder.is_dir() {
                let name = folder.file_name().unwrap_or_default().to_string_lossy();
                found.push(Found {
                    name: format!("{table}/{name}"),
                    table: table.clone(),
                    folder,
                });
            }
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

impl Case {
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            files.push(entry?.file_name().to_string_lossy().into_owned());
        }
        let unbounded = files.iter().any(|file| file == "unbounded");
        files.retain(|file| file != "unbounded");
        let mut stages = Vec::new();
        while !files.is_empty() {
            let number = stages.len() + 1;
            let (given, expected) = (
                format!("given.{number}.yaml"),
                format!("expect.{number}.yaml"),
            );
            ensure!(
                files.contains(&given) && files.contains(&expected),
                "{given} and {expected} belong together; there is also {files:?}"
            );
            stages.push(Stage {
                given: read::<Vec<Row>>(&folder.join(&given))?
                    .into_iter()
                    .map(|(table, rows)| {
                        Ok((table, rows.into_iter().map(change).collect::<Result<_>>()?))
                    })
                    .collect::<Result<_>>()
                    .context(given.clone())?,
                expected: read(&folder.join(&expected))?,
            });
            files.retain(|file| *file != given && *file != expected);
        }
        ensure!(!stages.is_empty(), "there is no given.1.yaml");
        Ok(Self {
            unbounded: unbounded || stages.len() > 1,
            stages,
        })
    }
}

/// `{delete: {key columns}}`, or a row.
fn change(mut row: Row) -> Result<Change> {
    if row.len() != 1 || !row.contains_key("delete") {
        return Ok(Change::Put(row));
    }
    match row.remove("delete") {
        Some(Value::Object(key)) => Ok(Change::Delete(key)),
        _ => bail!("delete needs the columns of the key"),
    }
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<BTreeMap<String, T>> {
    let text = fs::read_to_string(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    serde_saphyr::from_str(&text).with_context(|| name.into_owned())
}
