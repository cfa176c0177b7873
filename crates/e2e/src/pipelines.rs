//! The production SQL: every table folder of `pipelines/`, and what prepares the topics of others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hc_flink_dialect::{Statement, Table, graph, parse, parse_properties_file, split_statements};

/// One table folder, as committed.
#[derive(Debug, Clone)]
pub struct Definition {
    pub folder: PathBuf,
    pub table: Table,
    /// The statement that fills the table.
    pub dml: Option<String>,
    pub properties: BTreeMap<String, String>,
    /// Tables that the statement reads.
    pub inputs: BTreeSet<String>,
    /// Tables that it writes, with the table itself.
    pub outputs: BTreeSet<String>,
}

/// All of `pipelines/`.
#[derive(Debug, Default, Clone)]
pub struct Pipelines {
    pub tables: BTreeMap<String, Definition>,
    /// `ALTER TABLE` of topics that others own, by table, in order.
    pub prepare: BTreeMap<String, Vec<String>>,
}

impl Pipelines {
    /// Reads a pipelines folder.
    ///
    /// # Errors
    /// A file that cannot be read or parsed, by its name.
    pub fn load(root: &Path) -> Result<Self> {
        let mut pipelines = Self::default();
        for layer in entries(root)?.iter().filter(|path| path.is_dir()) {
            for product in entries(layer)?.iter().filter(|path| path.is_dir()) {
                for folder in entries(product)? {
                    if folder.join("sql-scripts").is_dir() {
                        let definition = definition(folder)?;
                        pipelines
                            .tables
                            .insert(definition.table.name.clone(), definition);
                    }
                }
            }
        }
        for file in entries(&root.join("prepare"))? {
            for sql in split_statements(&read(&file)?) {
                let Statement::AlterTable(alter) = parse(sql)? else {
                    bail!("{} has more than ALTER TABLE: {sql}", file.display());
                };
                let of_table = pipelines.prepare.entry(alter.name.table).or_default();
                of_table.push(sql.to_owned());
            }
        }
        Ok(pipelines)
    }

    /// How many statements run for good: one for each table that has something to fill it.
    pub fn jobs(&self) -> usize {
        let filled = self.tables.values().filter(|table| table.dml.is_some());
        filled.count()
    }

    /// The folder of a table.
    pub(crate) fn definition(&self, table: &str) -> Result<&Definition> {
        self.tables
            .get(table)
            .with_context(|| format!("no folder defines {table}"))
    }
}

fn definition(folder: PathBuf) -> Result<Definition> {
    let scripts = folder.join("sql-scripts");
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let ddl = scripts.join(format!("ddl.{name}.sql"));
    let Statement::CreateTable(create) =
        parse(&read(&ddl)?).with_context(|| ddl.display().to_string())?
    else {
        bail!("{} is no CREATE TABLE", ddl.display());
    };
    let path = scripts.join(format!("dml.{name}.sql"));
    let dml = path.exists().then(|| read(&path)).transpose()?;
    let mut outputs = BTreeSet::from([create.table.name.clone()]);
    if let Some(dml) = &dml {
        let targets = match parse(dml).with_context(|| path.display().to_string())? {
            Statement::Insert(insert) => vec![insert],
            Statement::StatementSet(inserts) => inserts,
            other => bail!("{} is {}", path.display(), other.kind()),
        };
        outputs.extend(targets.into_iter().map(|insert| insert.target.table));
    }
    let path = scripts.join(format!("dml.{name}.properties"));
    let properties = match path.exists() {
        true => parse_properties_file(&read(&path)?)?,
        false => BTreeMap::new(),
    };
    Ok(Definition {
        table: create.table,
        inputs: dml.as_deref().map(graph::tables_read).unwrap_or_default(),
        outputs,
        dml,
        properties,
        folder,
    })
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .with_context(|| folder.display().to_string())?;
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}
