//! How many records a job reads and writes. Flink counts per operator, so the sums are over its sources and its sinks.

use futures::future::try_join_all;

use super::FlinkError;
use super::job_manager::JobManager;

/// What is counted of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Records read by its sources.
    In,
    /// Records sent by its sinks.
    Out,
    /// Records that wait in the topics it reads.
    Pending,
}

impl Metric {
    /// By the name in Confluent's metrics API.
    pub fn from_confluent(name: &str) -> Option<Self> {
        match name {
            "io.confluent.flink/num_records_in" => Some(Self::In),
            "io.confluent.flink/num_records_out" => Some(Self::Out),
            "io.confluent.flink/pending_records" => Some(Self::Pending),
            _ => None,
        }
    }

    /// True for the name of this metric among those of a task: `Source__hc_raw[1].numRecordsIn`.
    fn is(self, id: &str) -> bool {
        let Some((operator, metric)) = id.rsplit_once('.') else {
            return false;
        };
        match self {
            Self::In => metric == "numRecordsIn" && operator.starts_with("Source__"),
            Self::Out => metric == "numRecordsSend" && operator.ends_with("Writer"),
            Self::Pending => metric == "pendingRecords" && operator.starts_with("Source__"),
        }
    }
}

impl JobManager {
    /// The sum over all tasks of a job.
    pub async fn metric(&self, job: &str, metric: Metric) -> Result<i64, FlinkError> {
        let body = self.get(job).await?;
        let vertices = body["vertices"].as_array().into_iter().flatten();
        let sums = vertices
            .filter_map(|vertex| vertex["id"].as_str())
            .map(|vertex| self.vertex_metric(job, vertex, metric));
        Ok(try_join_all(sums).await?.into_iter().sum())
    }

    async fn vertex_metric(
        &self,
        job: &str,
        vertex: &str,
        metric: Metric,
    ) -> Result<i64, FlinkError> {
        let path = format!("{job}/vertices/{vertex}/subtasks/metrics");
        let names = self.get(&path).await?;
        let wanted: Vec<&str> = names
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| entry["id"].as_str())
            .filter(|id| metric.is(id))
            .collect();
        if wanted.is_empty() {
            return Ok(0);
        }
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("get", &wanted.join(","))
            .append_pair("agg", "sum")
            .finish();
        let values = self.get(&format!("{path}?{query}")).await?;
        let sums = values.as_array().into_iter().flatten();
        #[expect(
            clippy::cast_possible_truncation,
            reason = "counts of records, whole numbers"
        )]
        Ok(sums.filter_map(|entry| entry["sum"].as_f64()).sum::<f64>() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::Metric;

    #[test]
    fn sources_are_counted_in_and_writers_out() {
        assert!(Metric::In.is("Source__t[1].numRecordsIn"));
        assert!(!Metric::In.is("Join[5].numRecordsIn"));
        assert!(Metric::Out.is("t[9]__Writer.numRecordsSend"));
        assert!(!Metric::Out.is("numRecordsOut"));
        assert!(Metric::Pending.is("Source__t[1].pendingRecords"));
    }
}
