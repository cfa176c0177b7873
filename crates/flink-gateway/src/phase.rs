//! From what the JobManager says about a job to what the gateway does about its statement. Pure.

use crate::flink::job_manager::{Job, JobState};
use crate::model::{Kind, Phase, Statement};

/// What to do about a statement whose job was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// All as it should be.
    Nothing,
    /// Record a phase; `detail` empty when all is well.
    Set { phase: Phase, detail: String },
    /// Record a phase with the job's newest failure as detail.
    SetWithCause { phase: Phase },
    /// Another job carries the statement's name: it is the statement's job from now on.
    Adopt { job: String },
    /// The statement's job runs, and so does another one with its name, whose submission came late: that one must go.
    Cancel { job: String },
    /// The statement has no job: submit one, from the newest checkpoint if there is one.
    Submit,
}

/// Decides about a statement with a job. `jobs` is everything the JobManager listed;
/// `absent_before` says that the previous look found no job either.
///
/// A job that is unknown, or was cancelled by somebody else, is submitted again, but only when two looks in a row
/// agree: a submission may be on its way, and a JobManager that has just started may still be recovering.
pub fn decide(statement: &Statement, jobs: &[Job], absent_before: bool) -> Action {
    if statement.jobs.stopped {
        return Action::Submit;
    }
    let current = statement.jobs.current();
    if let Some(job) = jobs.iter().find(|job| Some(job.id.as_str()) == current)
        && job.state != JobState::Canceled
    {
        let double = jobs.iter().find(|other| {
            let ends = other.state.is_terminal() || other.state == JobState::Cancelling;
            other.name == statement.name && other.id != job.id && !ends
        });
        return match double {
            Some(double) if !job.state.is_terminal() => Action::Cancel {
                job: double.id.clone(),
            },
            _ => observe(statement, job),
        };
    }
    if statement.kind == Kind::InsertValues && statement.jobs.seen {
        return if absent_before {
            lost_values()
        } else {
            Action::Nothing
        };
    }
    let stray = jobs
        .iter()
        .find(|job| job.name == statement.name && !job.state.is_terminal());
    if let Some(job) = stray {
        // One of ours that is on its way out is waited for; two jobs must not write one table.
        let leaving = matches!(job.state, JobState::Cancelling | JobState::Failing);
        return if leaving {
            Action::Nothing
        } else {
            Action::Adopt {
                job: job.id.clone(),
            }
        };
    }
    if absent_before {
        Action::Submit
    } else {
        Action::Nothing
    }
}

/// The phase of a statement from its job.
fn observe(statement: &Statement, job: &Job) -> Action {
    let (phase, detail) = match job.state {
        JobState::Running if job.tasks.all_started() => (running(statement.kind), String::new()),
        JobState::Finished => (Phase::Completed, String::new()),
        JobState::Failed => {
            return Action::SetWithCause {
                phase: Phase::Failed,
            };
        }
        // A restart can be so short that only its later half is seen: running, but not with every task.
        JobState::Running if statement.phase == Phase::Running => {
            return Action::SetWithCause {
                phase: Phase::Degraded,
            };
        }
        JobState::Failing | JobState::Restarting => {
            return Action::SetWithCause {
                phase: Phase::Degraded,
            };
        }
        _ if statement.jobs.ran => (statement.phase, statement.detail.clone()),
        _ => (Phase::Pending, statement.detail.clone()),
    };
    if statement.phase == phase && statement.detail == detail {
        return Action::Nothing;
    }
    Action::Set { phase, detail }
}

/// INSERT ... VALUES stays PENDING until its rows are written, so that whoever waits for it can read them.
fn running(kind: Kind) -> Phase {
    if kind == Kind::InsertValues {
        Phase::Pending
    } else {
        Phase::Running
    }
}

fn lost_values() -> Action {
    Action::Set {
        phase: Phase::Failed,
        detail: "Flink lost the job before it reported its end, so that some of the rows may be missing. \
                 Look at the table, then delete this statement and send it again."
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flink::job_manager::Tasks;
    use crate::model::{Jobs, Spec};

    const JOB: &str = "0000000000000000000000000000000a";

    fn statement(kind: Kind, phase: Phase, ran: bool) -> Statement {
        let epoch = chrono::DateTime::UNIX_EPOCH;
        Statement {
            name: "s".into(),
            uid: uuid::Uuid::nil(),
            spec: Spec {
                statement: String::new(),
                properties: Default::default(),
                compute_pool_id: String::new(),
                principal: String::new(),
                stopped: false,
            },
            labels: Default::default(),
            kind,
            phase,
            detail: String::new(),
            created_at: epoch,
            updated_at: epoch,
            resource_version: 1,
            jobs: Jobs {
                ids: vec![JOB.into()],
                seen: true,
                ran,
                ..Jobs::default()
            },
            results: None,
            query: None,
        }
    }

    fn job(state: JobState, running: u32, finished: u32) -> Job {
        Job {
            id: JOB.into(),
            name: "s".into(),
            state,
            tasks: Tasks {
                total: 3,
                running,
                finished,
            },
        }
    }

    fn set(phase: Phase) -> Action {
        Action::Set {
            phase,
            detail: String::new(),
        }
    }

    #[test]
    fn phases_follow_the_job() {
        let new = statement(Kind::InsertInto, Phase::Pending, false);
        let old = statement(Kind::InsertInto, Phase::Running, true);
        let values = statement(Kind::InsertValues, Phase::Pending, false);
        let cases = [
            (&new, job(JobState::Created, 0, 0), Action::Nothing),
            (&new, job(JobState::Running, 2, 0), Action::Nothing),
            (&new, job(JobState::Running, 3, 0), set(Phase::Running)),
            (&new, job(JobState::Running, 2, 1), set(Phase::Running)),
            (&values, job(JobState::Running, 3, 0), Action::Nothing),
            (
                &values,
                job(JobState::Finished, 0, 3),
                set(Phase::Completed),
            ),
            (&old, job(JobState::Running, 3, 0), Action::Nothing),
            (
                &old,
                job(JobState::Running, 1, 0),
                Action::SetWithCause {
                    phase: Phase::Degraded,
                },
            ),
            (
                &old,
                job(JobState::Restarting, 0, 0),
                Action::SetWithCause {
                    phase: Phase::Degraded,
                },
            ),
            (
                &new,
                job(JobState::Restarting, 0, 0),
                Action::SetWithCause {
                    phase: Phase::Degraded,
                },
            ),
            (
                &old,
                job(JobState::Failed, 0, 0),
                Action::SetWithCause {
                    phase: Phase::Failed,
                },
            ),
        ];
        for (statement, job, expected) in cases {
            assert_eq!(
                decide(statement, std::slice::from_ref(&job), false),
                expected,
                "{:?} {job:?}",
                statement.phase
            );
        }
    }

    #[test]
    fn a_degraded_statement_recovers_only_when_every_task_runs() {
        let mut degraded = statement(Kind::InsertInto, Phase::Degraded, true);
        degraded.detail = "why".into();
        assert_eq!(
            decide(&degraded, &[job(JobState::Running, 2, 0)], false),
            Action::Nothing
        );
        assert_eq!(
            decide(&degraded, &[job(JobState::Running, 3, 0)], false),
            set(Phase::Running)
        );
    }

    #[test]
    fn a_missing_job_is_submitted_after_two_looks() {
        let lost = statement(Kind::InsertInto, Phase::Running, true);
        assert_eq!(decide(&lost, &[], false), Action::Nothing);
        assert_eq!(decide(&lost, &[], true), Action::Submit);
        let cancelled = [job(JobState::Canceled, 0, 0)];
        assert_eq!(
            decide(&lost, &cancelled, true),
            Action::Submit,
            "somebody else's cancel"
        );
    }

    #[test]
    fn a_resumed_statement_gets_a_new_job() {
        let mut resumed = statement(Kind::InsertInto, Phase::Pending, true);
        resumed.jobs.stopped = true;
        let ended = [job(JobState::Finished, 0, 3)];
        assert_eq!(decide(&resumed, &ended, false), Action::Submit);
        resumed.jobs.stopped = false;
        assert_eq!(decide(&resumed, &ended, false), set(Phase::Completed));
    }

    #[test]
    fn a_job_with_the_statements_name_is_adopted_not_doubled() {
        let lost = statement(Kind::InsertInto, Phase::Running, true);
        let mut other = job(JobState::Running, 3, 0);
        other.id = "0000000000000000000000000000000b".into();
        let adopt = Action::Adopt {
            job: other.id.clone(),
        };
        assert_eq!(decide(&lost, &[other.clone()], true), adopt);
        other.state = JobState::Cancelling;
        assert_eq!(
            decide(&lost, &[other.clone()], true),
            Action::Nothing,
            "it is waited for"
        );
        other.state = JobState::Canceled;
        assert_eq!(decide(&lost, &[other], true), Action::Submit);
    }

    #[test]
    fn a_second_job_with_the_statements_name_is_cancelled() {
        let runs = statement(Kind::InsertInto, Phase::Running, true);
        let own = job(JobState::Running, 3, 0);
        let mut double = job(JobState::Created, 0, 0);
        double.id = "0000000000000000000000000000000b".into();
        let cancel = Action::Cancel {
            job: double.id.clone(),
        };
        assert_eq!(decide(&runs, &[double.clone(), own.clone()], false), cancel);
        double.state = JobState::Cancelling;
        assert_eq!(
            decide(&runs, &[double.clone(), own.clone()], false),
            Action::Nothing
        );
        double.state = JobState::Running;
        double.name = "another".into();
        assert_eq!(decide(&runs, &[double, own], false), Action::Nothing);
    }

    #[test]
    fn rows_are_not_inserted_twice() {
        let mut values = statement(Kind::InsertValues, Phase::Pending, false);
        assert!(matches!(
            decide(&values, &[], true),
            Action::Set {
                phase: Phase::Failed,
                ..
            }
        ));
        values.jobs.seen = false;
        assert_eq!(
            decide(&values, &[], true),
            Action::Submit,
            "it never reached Flink"
        );
    }
}
