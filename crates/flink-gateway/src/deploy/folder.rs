//! Reads a pipelines folder: `<layer>/<product>/<table>/sql-scripts/{ddl,dml}.<table>.sql`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use hc_flink_dialect::graph::{self, Node, TableFolder};
use hc_flink_dialect::{StatementNames, parse_properties_file};

/// The tables of the folder in an order in which every table comes after those it reads.
pub(super) fn load(dir: &Path, names: &StatementNames) -> anyhow::Result<Vec<Node>> {
    let mut folders = Vec::new();
    for layer in subfolders(dir)? {
        for product in subfolders(&layer)? {
            for table in subfolders(&product)? {
                folders.extend(table_folder(dir, &table)?);
            }
        }
    }
    if folders.is_empty() {
        bail!(
            "{} has no <layer>/<product>/<table>/sql-scripts folder",
            dir.display()
        );
    }
    graph::build(&folders, &external(dir)?, names).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{} is not deployable:\n{}", dir.display(), lines.join("\n"))
    })
}

fn external(dir: &Path) -> anyhow::Result<BTreeSet<String>> {
    let path = dir.join("seeds/external_tables.json");
    if !path.exists() {
        return Ok(BTreeSet::new());
    }
    graph::parse_external_tables(&read(&path)?).with_context(|| path.display().to_string())
}

fn table_folder(root: &Path, folder: &Path) -> anyhow::Result<Option<TableFolder>> {
    let scripts = folder.join("sql-scripts");
    if !scripts.is_dir() {
        return Ok(None);
    }
    let Some(ddl) = only(&scripts, "ddl.", ".sql")? else {
        bail!("{} has no ddl.<table>.sql", scripts.display());
    };
    let dml = only(&scripts, "dml.", ".sql")?
        .map(|path| read(&path))
        .transpose()?;
    let properties = match only(&scripts, "dml.", ".properties")? {
        Some(path) => {
            parse_properties_file(&read(&path)?).with_context(|| path.display().to_string())?
        }
        None => BTreeMap::new(),
    };
    let path = folder
        .strip_prefix(root)
        .unwrap_or(folder)
        .to_string_lossy()
        .replace('\\', "/");
    Ok(Some(TableFolder {
        path,
        ddl: read(&ddl)?,
        dml,
        properties,
    }))
}

/// The only file of that form; two would make the order of the directory decide.
fn only(dir: &Path, prefix: &str, suffix: &str) -> anyhow::Result<Option<PathBuf>> {
    let matches = |path: &PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name.starts_with(prefix) && name.ends_with(suffix)
    };
    let mut found = entries(dir)?.into_iter().filter(matches);
    let first = found.next();
    if let (Some(first), Some(second)) = (&first, found.next()) {
        bail!(
            "{} and {} are in one folder; keep one",
            first.display(),
            second.display()
        );
    }
    Ok(first)
}

fn subfolders(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    Ok(entries(dir)?
        .into_iter()
        .filter(|path| path.is_dir())
        .collect())
}

fn entries(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(dir)
        .and_then(|entries| {
            entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .with_context(|| format!("cannot read {}", dir.display()))?;
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
