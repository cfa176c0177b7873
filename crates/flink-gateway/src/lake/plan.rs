//! From the list and the topics that exist to the lake's statement.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use hc_flink_dialect::{LakeTable, lake_statement, lake_table};

use super::{CATALOG, Catalog, DATABASE, LakeArgs, LakeList};
use crate::engine::{Engine, Problem};
use crate::flink::sql_gateway::Config;
use crate::model::Spec;

/// Before the name of a table in the statement's properties; the value is the id of its topic.
const TOPIC: &str = "lake.topic.";
/// Before a table's name and a blank and a property of the table in the statement's properties.
const TABLE: &str = "lake.table.";

/// The lake that this gateway keeps.
#[derive(Debug)]
pub struct Lake {
    pub list: LakeList,
    pub catalog: Catalog,
}

/// The statement as it should be now.
#[derive(Debug)]
pub struct Wanted {
    pub spec: Spec,
    /// Listed tables that are left out, each with why.
    pub absent: BTreeMap<String, String>,
}

impl Wanted {
    /// The tables that the lake is filled with.
    pub fn tables(&self) -> BTreeSet<String> {
        table_names(&self.spec)
    }
}

impl Lake {
    /// The lake of a command line; `None` without a list.
    ///
    /// # Errors
    /// The list or the warehouse cannot be used.
    pub fn from_args(args: &LakeArgs) -> anyhow::Result<Option<Self>> {
        let set = |path: &&PathBuf| !path.as_os_str().is_empty();
        let Some(path) = args.tables.as_ref().filter(set) else {
            return Ok(None);
        };
        let mut list = LakeList::load(path)?;
        if let Some(interval) = args
            .commit_interval
            .as_ref()
            .filter(|text| !text.is_empty())
        {
            list.job.config.insert(
                "execution.checkpointing.interval".into(),
                interval.to_owned(),
            );
        }
        let catalog = Catalog::new(args, &list.catalog.config)?;
        Ok(Some(Self { list, catalog }))
    }
}

impl Engine {
    /// What the lake's statement should be, by the list and the topics of this moment.
    pub async fn lake_wanted(&self, lake: &Lake) -> Result<Wanted, Problem> {
        let mut properties = lake.list.job.config.clone();
        let mut tables = Vec::new();
        let mut absent = BTreeMap::new();
        for name in lake.list.tables.keys() {
            let Some(topic) = self.kafka.topic(name).await? else {
                absent.insert(name.clone(), "there is no such topic yet".to_owned());
                continue;
            };
            let Some(table) = self.known_table(name).await? else {
                absent.insert(name.clone(), "its topic has no schema yet".to_owned());
                continue;
            };
            match lake_table(&table, self.session.connection()) {
                Ok(table) => tables.push(table),
                Err(error) => {
                    absent.insert(name.clone(), error.to_string());
                    continue;
                }
            }
            properties.insert(format!("{TOPIC}{name}"), topic.id);
            for (key, value) in lake.list.table_properties(name) {
                properties.insert(format!("{TABLE}{name} {key}"), value);
            }
        }
        let statement = if tables.is_empty() {
            String::new()
        } else {
            lake_statement(&tables, &[CATALOG.to_owned(), DATABASE.to_owned()])
        };
        Ok(Wanted {
            spec: Spec {
                statement,
                properties,
                compute_pool_id: self.session.identity().compute_pool.clone(),
                principal: String::new(),
                stopped: false,
            },
            absent,
        })
    }

    /// The tables of a lake's statement, translated anew, each with the id of its topic.
    pub(crate) fn lake_tables(&self, spec: &Spec) -> Result<Vec<(LakeTable, String)>, Problem> {
        topics(spec)
            .into_iter()
            .map(|(name, id)| {
                let stored = self
                    .store
                    .table(name)
                    .ok_or_else(|| Problem::Later(format!("table {name} to exist again")))?;
                let table = lake_table(&stored.table, self.session.connection())?;
                Ok((table, id.to_owned()))
            })
            .collect()
    }
}

/// Table and topic id.
fn topics(spec: &Spec) -> Vec<(&str, &str)> {
    spec.properties
        .iter()
        .filter_map(|(key, id)| Some((key.strip_prefix(TOPIC)?, id.as_str())))
        .collect()
}

/// The names of the tables that a lake's statement fills.
pub(super) fn table_names(spec: &Spec) -> BTreeSet<String> {
    topics(spec)
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// Flink's options of the job.
pub(crate) fn job_config(spec: &Spec) -> Config {
    spec.properties
        .iter()
        .filter(|(key, _)| !key.starts_with(TOPIC) && !key.starts_with(TABLE))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Iceberg's properties of a table.
pub(crate) fn table_properties(spec: &Spec, table: &str) -> Config {
    let prefix = format!("{TABLE}{table} ");
    spec.properties
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone())))
        .collect()
}
