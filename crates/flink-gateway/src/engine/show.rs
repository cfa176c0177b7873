//! SHOW: answered from the store, in Confluent's dialect.

use hc_flink_dialect::ObjectName;

use super::ddl::absent;
use super::{Done, Engine, Problem};
use crate::model::ResultSet;

impl Engine {
    pub(super) async fn show_create_table(&self, name: &ObjectName) -> Result<Done, Problem> {
        let name = self.own_table(name)?;
        if self.store.table(name).is_none() {
            let ready = self.session.ready().await?;
            self.ensure_table(&ready, name).await?;
        }
        let stored = self.store.table(name).ok_or_else(|| absent(name))?;
        Ok(Done::Completed(Some(ResultSet {
            columns: vec!["SHOW CREATE TABLE".into()],
            rows: vec![vec![stored.table.to_confluent_sql().into()]],
        })))
    }

    pub(super) fn show_tables(&self) -> Done {
        let tables = self.store.tables();
        Done::Completed(Some(ResultSet {
            columns: vec!["table name".into()],
            rows: tables
                .into_iter()
                .map(|stored| vec![stored.table.name.into()])
                .collect(),
        }))
    }
}
