//! What a deployment will do, from what is wanted and what is there. Pure.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use hc_flink_dialect::graph::Node;
use hc_flink_dialect::same_statement;

use crate::client::{CATALOG, DATABASE, Remote};
use crate::model::Phase;

/// What the API has of one table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Current {
    pub ddl: Option<Remote>,
    pub dml: Option<Remote>,
}

/// What to do with one statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Step {
    /// It is there and right.
    #[default]
    Keep,
    /// It is not there.
    Create,
    /// It was stopped: it goes on from its savepoint.
    Resume,
    /// It is there and has another text, or has failed: delete it and send it again.
    Replace,
}

/// What to do with one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Steps {
    pub ddl: Step,
    pub dml: Step,
    /// The table goes, with its topic and records, before it is created.
    pub drop_table: bool,
}

/// What to do with every table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Plan(BTreeMap<String, Steps>);

impl Plan {
    pub(super) fn steps(&self, table: &str) -> Steps {
        self.0.get(table).copied().unwrap_or_default()
    }
}

/// Compares; an error lists every table that cannot be changed without losing records.
pub(super) fn plan(
    nodes: &[Node],
    current: &BTreeMap<String, Current>,
    recreate: bool,
    sent_properties: impl Fn(&BTreeMap<String, String>) -> BTreeMap<String, String>,
) -> Result<Plan, Vec<String>> {
    let mut plan = Plan::default();
    let mut refusals = Vec::new();
    let nothing = Current::default();
    for node in nodes {
        let current = current.get(&node.table).unwrap_or(&nothing);
        let mut steps = Steps {
            ddl: ddl_step(node, current.ddl.as_ref()),
            dml: dml_step(
                node,
                current.dml.as_ref(),
                &sent_properties(&node.properties),
            ),
            drop_table: false,
        };
        if changed_definition(node, current.ddl.as_ref()) {
            steps.drop_table = true;
            if !recreate {
                refusals.push(format!(
                    "The definition of table {} changed. To use the new one the table is dropped with its records: \
                     run deploy with --recreate if that is meant.",
                    node.table
                ));
            }
        }
        if steps.dml == Step::Create && steps.ddl == Step::Keep {
            // Whoever deleted the filling statement may have dropped the table too; creating it again does no harm.
            steps.ddl = Step::Replace;
        }
        // The topic that a job reads, or writes, is another one afterwards.
        let renewed = steps.drop_table
            || node
                .parents
                .iter()
                .any(|parent| plan.steps(parent).drop_table);
        if renewed && matches!(steps.dml, Step::Keep | Step::Resume) {
            steps.dml = Step::Replace;
        }
        plan.0.insert(node.table.clone(), steps);
    }
    if refusals.is_empty() {
        Ok(plan)
    } else {
        Err(refusals)
    }
}

fn ddl_step(node: &Node, current: Option<&Remote>) -> Step {
    match current {
        None => Step::Create,
        Some(remote) if same_statement(&remote.spec.statement, &node.ddl) && !is_over(remote) => {
            Step::Keep
        }
        Some(_) => Step::Replace,
    }
}

fn dml_step(node: &Node, current: Option<&Remote>, properties: &BTreeMap<String, String>) -> Step {
    match (&node.dml, current) {
        (None, _) => Step::Keep,
        (Some(_), None) => Step::Create,
        (Some(dml), Some(remote))
            if same_statement(&remote.spec.statement, dml)
                && same_properties(&remote.spec.properties, properties) =>
        {
            match remote.status.phase {
                Phase::Stopped => Step::Resume,
                _ if is_over(remote) => Step::Replace,
                _ => Step::Keep,
            }
        }
        _ => Step::Replace,
    }
}

/// Where names are looked up is left out: there is one place, with several names, and other clients use others.
fn same_properties(left: &BTreeMap<String, String>, right: &BTreeMap<String, String>) -> bool {
    let own = |properties: &BTreeMap<String, String>| {
        let mut own = properties.clone();
        own.retain(|name, _| !matches!(name.as_str(), CATALOG | DATABASE));
        own
    };
    own(left) == own(right)
}

/// True when the table that stands was made by another text; a CREATE that failed made none.
fn changed_definition(node: &Node, current: Option<&Remote>) -> bool {
    current.is_some_and(|remote| {
        remote.status.phase == Phase::Completed
            && !same_statement(&remote.spec.statement, &node.ddl)
    })
}

fn is_over(remote: &Remote) -> bool {
    matches!(
        remote.status.phase,
        Phase::Failed | Phase::Stopped | Phase::Stopping | Phase::Deleting
    )
}

/// The tables asked for and those they read; all when none is asked for.
pub(super) fn select(nodes: Vec<Node>, tables: &[String]) -> anyhow::Result<Vec<Node>> {
    if tables.is_empty() {
        return Ok(nodes);
    }
    if let Some(unknown) = tables
        .iter()
        .find(|table| nodes.iter().all(|node| node.table != **table))
    {
        bail!("there is no table {unknown} in the folder");
    }
    let wanted = with_ancestors(&nodes, tables);
    Ok(nodes
        .into_iter()
        .filter(|node| wanted.contains(&node.table))
        .collect())
}

/// The same tables, those in `first` and what they read in front; still every table after those it reads.
pub(super) fn order(nodes: Vec<Node>, first: &[String]) -> Vec<Node> {
    let urgent = with_ancestors(&nodes, first);
    let (mut front, back): (Vec<_>, Vec<_>) = nodes
        .into_iter()
        .partition(|node| urgent.contains(&node.table));
    front.extend(back);
    front
}

/// Nodes come after their parents, so one pass from the end finds all ancestors.
fn with_ancestors(nodes: &[Node], tables: &[String]) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = tables.iter().cloned().collect();
    for node in nodes.iter().rev() {
        if found.contains(&node.table) {
            found.extend(node.parents.iter().cloned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Status;
    use crate::model::Spec;

    fn node(table: &str, parents: &[&str]) -> Node {
        Node {
            table: table.into(),
            layer: "facts".into(),
            product: "hc".into(),
            ddl_name: format!("ddl-{table}"),
            dml_name: format!("dml-{table}"),
            ddl: format!("CREATE TABLE {table} (a INT)"),
            dml: Some(format!("INSERT INTO {table} SELECT 1")),
            properties: BTreeMap::new(),
            parents: parents.iter().map(|&parent| parent.into()).collect(),
            externals: vec![],
        }
    }

    fn remote(sql: &str, phase: Phase) -> Remote {
        Remote {
            name: "x".into(),
            metadata: Default::default(),
            spec: Spec {
                statement: sql.into(),
                properties: BTreeMap::new(),
                compute_pool_id: String::new(),
                principal: String::new(),
                stopped: false,
            },
            status: Status {
                phase,
                detail: String::new(),
            },
        }
    }

    fn deployed(node: &Node) -> Current {
        Current {
            ddl: Some(remote(&node.ddl, Phase::Completed)),
            dml: Some(remote(node.dml.as_deref().unwrap(), Phase::Running)),
        }
    }

    fn steps(
        nodes: &[Node],
        current: &BTreeMap<String, Current>,
        recreate: bool,
    ) -> Result<Plan, Vec<String>> {
        plan(nodes, current, recreate, Clone::clone)
    }

    fn both(ddl: Step, dml: Step) -> Steps {
        Steps {
            ddl,
            dml,
            drop_table: false,
        }
    }

    #[test]
    fn what_is_missing_is_created_and_what_is_there_is_kept() {
        let nodes = [node("a", &[]), node("b", &["a"])];
        let mut current = BTreeMap::from([("a".to_owned(), deployed(&nodes[0]))]);
        let plan = steps(&nodes, &current, false).unwrap();
        assert_eq!(plan.steps("a"), both(Step::Keep, Step::Keep));
        assert_eq!(plan.steps("b"), both(Step::Create, Step::Create));

        let a = current.get_mut("a").unwrap();
        a.ddl.as_mut().unwrap().spec.statement = "-- new comment\nCREATE  TABLE a (a INT);".into();
        a.dml.as_mut().unwrap().spec.statement = "INSERT INTO a -- why\n SELECT 1".into();
        assert_eq!(
            steps(&nodes, &current, false).unwrap(),
            plan,
            "a comment is no change"
        );
    }

    #[test]
    fn a_stopped_statement_goes_on() {
        let nodes = [node("a", &[])];
        let mut current = BTreeMap::from([("a".to_owned(), deployed(&nodes[0]))]);
        let dml = current.get_mut("a").unwrap().dml.as_mut().unwrap();
        dml.status.phase = Phase::Stopped;
        dml.spec.properties = BTreeMap::from([(DATABASE.to_owned(), "another name".to_owned())]);
        let plan = steps(&nodes, &current, false).unwrap();
        assert_eq!(plan.steps("a"), both(Step::Keep, Step::Resume));
    }

    #[test]
    fn a_changed_query_is_replaced_and_keeps_its_table() {
        let nodes = [node("a", &[]), node("b", &["a"])];
        let mut current: BTreeMap<_, _> = nodes
            .iter()
            .map(|node| (node.table.clone(), deployed(node)))
            .collect();
        current.get_mut("a").unwrap().dml = Some(remote("INSERT INTO a SELECT 2", Phase::Running));
        let plan = steps(&nodes, &current, false).unwrap();
        assert_eq!(plan.steps("a"), both(Step::Keep, Step::Replace));
        assert_eq!(plan.steps("b"), both(Step::Keep, Step::Keep));

        current.insert("a".into(), deployed(&nodes[0]));
        current
            .get_mut("b")
            .unwrap()
            .dml
            .as_mut()
            .unwrap()
            .status
            .phase = Phase::Failed;
        let plan = steps(&nodes, &current, false).unwrap();
        assert_eq!(
            plan.steps("b"),
            both(Step::Keep, Step::Replace),
            "a failed one is sent again"
        );

        current
            .get_mut("b")
            .unwrap()
            .dml
            .as_mut()
            .unwrap()
            .status
            .phase = Phase::Running;
        let plan = super::plan(&nodes, &current, false, |_| {
            BTreeMap::from([("p".into(), "v".into())])
        })
        .unwrap();
        assert_eq!(
            plan.steps("b"),
            both(Step::Keep, Step::Replace),
            "other properties"
        );
    }

    #[test]
    fn a_changed_definition_needs_a_word_and_restarts_its_readers() {
        let nodes = [node("a", &[]), node("b", &["a"]), node("c", &["b"])];
        let mut current: BTreeMap<_, _> = nodes
            .iter()
            .map(|node| (node.table.clone(), deployed(node)))
            .collect();
        current.get_mut("a").unwrap().ddl =
            Some(remote("CREATE TABLE a (a BIGINT)", Phase::Completed));
        let refusals = steps(&nodes, &current, false).unwrap_err();
        assert!(
            refusals[0].contains("table a changed") && refusals[0].contains("--recreate"),
            "{refusals:?}"
        );

        let plan = steps(&nodes, &current, true).unwrap();
        assert_eq!(
            plan.steps("a"),
            Steps {
                ddl: Step::Replace,
                dml: Step::Replace,
                drop_table: true
            }
        );
        assert_eq!(plan.steps("b"), both(Step::Keep, Step::Replace));
        assert_eq!(
            plan.steps("c"),
            both(Step::Keep, Step::Keep),
            "its input is as it was"
        );

        current
            .get_mut("a")
            .unwrap()
            .ddl
            .as_mut()
            .unwrap()
            .status
            .phase = Phase::Failed;
        assert!(
            !steps(&nodes, &current, false)
                .unwrap()
                .steps("a")
                .drop_table,
            "a failed CREATE made no table"
        );
    }

    #[test]
    fn a_table_is_created_again_when_its_filling_statement_is_gone() {
        let nodes = [node("a", &[])];
        let mut current = BTreeMap::from([("a".to_owned(), deployed(&nodes[0]))]);
        current.get_mut("a").unwrap().dml = None;
        assert_eq!(
            steps(&nodes, &current, false).unwrap().steps("a"),
            both(Step::Replace, Step::Create)
        );
    }

    #[test]
    fn selection_and_order() {
        let nodes = vec![
            node("a", &[]),
            node("b", &[]),
            node("c", &["b"]),
            node("d", &["c"]),
        ];
        let names = |nodes: &[Node]| {
            nodes
                .iter()
                .map(|node| node.table.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            names(&select(nodes.clone(), &["c".into()]).unwrap()),
            ["b", "c"]
        );
        assert!(select(nodes.clone(), &["x".into()]).is_err());
        let ordered = order(nodes, &["c".into(), "absent".into()]);
        assert_eq!(names(&ordered), ["b", "c", "a", "d"]);
    }
}
