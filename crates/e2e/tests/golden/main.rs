//! The SQL on a real Flink: golden cases, which are folders of given and expected rows beside the SQL of a table, and
//! random histories that an oracle judges, too; and the simulator's readings, whose causes are known. See CONTRIBUTING.md.

mod case;
mod differential;
mod run;
mod simulated;

use std::process::ExitCode;
use std::sync::Arc;

use hc_e2e::{Pipelines, repository};
use libtest_mimic::{Arguments, Trial};

use crate::differential::SUBJECTS;

/// Tests at a time: each is a job or two, and most of a test is waiting.
const AT_A_TIME: usize = 4;

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_A_TIME);
    let pipelines = Pipelines::load(&repository().join("pipelines"))?;
    let found = case::find(&pipelines)?;
    let runner = Arc::new(run::Runner::new(pipelines, &found)?);
    let mut trials = Vec::new();
    for subject in &SUBJECTS {
        let runner = Arc::clone(&runner);
        trials.push(Trial::test(subject.name(), move || {
            runner.differential(subject)
        }));
    }
    let simulated = Arc::clone(&runner);
    trials.push(Trial::test(simulated::NAME, move || simulated.simulated()));
    for found in found {
        let runner = Arc::clone(&runner);
        trials.push(Trial::test(found.name.clone(), move || runner.case(&found)));
    }
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}
