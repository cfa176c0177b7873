//! `platform/flink/statements.toml` for the copies of a pipeline: what holds for a table holds for its copies.

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::rename::Names;

/// The production file with the entries of every renamed table once more under its new name, and with checkpoints that
/// come faster.
pub(crate) fn renamed<'a>(
    production: &str,
    copies: impl Iterator<Item = &'a Names>,
) -> Result<String> {
    let mut tuning: Table = production.parse()?;
    let config = section(&mut tuning, "defaults")?
        .get_mut("config")
        .and_then(Value::as_table_mut)
        .context("the tuning has no defaults.config")?;
    for (option, value) in [
        ("execution.checkpointing.interval", "500 ms"),
        ("execution.checkpointing.min-pause", "100 ms"),
    ] {
        config.insert(option.to_owned(), value.into());
    }
    for names in copies {
        for kind in ["statements", "tables"] {
            let entries = section(&mut tuning, kind)?;
            for (old, new) in names {
                if let Some(entry) = entries.get(old).cloned() {
                    entries.insert(new.clone(), aliases(entry, names));
                }
            }
        }
    }
    Ok(tuning.to_string())
}

/// A table without an alias is named by its own name in hints.
fn aliases(mut entry: Value, names: &Names) -> Value {
    if let Some(alias) = entry.get_mut("correction-window-alias")
        && let Some(new) = alias.as_str().and_then(|old| names.get(old))
    {
        *alias = new.clone().into();
    }
    if let Some(times) = entry.get_mut("state-ttl").and_then(Value::as_table_mut) {
        let renamed = std::mem::take(times);
        times.extend(
            renamed
                .into_iter()
                .map(|(alias, time)| (names.get(&alias).cloned().unwrap_or(alias), time)),
        );
    }
    entry
}

fn section<'a>(tuning: &'a mut Table, name: &str) -> Result<&'a mut Table> {
    tuning
        .entry(name)
        .or_insert_with(|| Table::new().into())
        .as_table_mut()
        .with_context(|| format!("the tuning's {name} is no table"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_tuned_like_their_table() {
        let production = r#"
            [defaults.config]
            "execution.checkpointing.interval" = "5 s"
            [statements.t]
            reason = "why"
            correction-window-alias = "r"
            state-ttl = { r = "1 h", m = "2 h" }
            [tables.r]
            idle-timeout = "1 s"
        "#;
        let names = ["t", "r"].map(|name| (name.to_owned(), format!("{name}_1")));
        let tuning: Table = renamed(production, [Names::from(names)].iter())
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(tuning["statements"]["t_1"]["reason"].as_str(), Some("why"));
        assert_eq!(
            tuning["statements"]["t_1"]["correction-window-alias"].as_str(),
            Some("r_1")
        );
        let times = tuning["statements"]["t_1"]["state-ttl"].as_table().unwrap();
        assert_eq!(times.keys().collect::<Vec<_>>(), ["m", "r_1"]);
        assert_eq!(tuning["tables"]["r_1"], tuning["tables"]["r"]);
        assert_eq!(
            tuning["defaults"]["config"]["execution.checkpointing.interval"].as_str(),
            Some("500 ms")
        );
    }
}
