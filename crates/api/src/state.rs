//! What handlers work with.

use std::sync::Arc;

use hc_domain::{Device, PatientId};

use crate::{
    clock::{Clock, Ids},
    database::Pool,
    demo::Demo,
    device_events::DeviceEvents,
    http::ApiError,
    metrics::Metrics,
    pipeline::Pipeline,
    readiness::Readiness,
    simulation::SimulationHandle,
    store,
    stream::{Gate, Hub, TelemetryFeed},
};

/// Shared by all requests.
#[derive(Debug)]
pub struct AppState {
    pub records: Records,
    pub clock: Clock,
    pub ids: Arc<Ids>,
    pub telemetry: Arc<TelemetryFeed>,
    /// Everything that can be listened to.
    pub hub: Arc<Hub>,
    /// Room for those who listen.
    pub gate: Arc<Gate>,
    pub simulation: SimulationHandle,
    pub events: Arc<DeviceEvents>,
    pub readiness: Readiness,
    pub metrics: Arc<Metrics>,
    pub pipeline: Arc<Pipeline>,
}

/// Where patients, devices, prescriptions and verdicts are.
#[derive(Debug, Clone)]
pub enum Records {
    /// In the database.
    Postgres(Pool),
    /// Nowhere: the demonstration's own rows, which nobody can change.
    Demo(Arc<Demo>),
}

impl Records {
    /// The database, for a change.
    ///
    /// # Errors
    /// 503 without one.
    pub fn writable(&self) -> Result<&Pool, ApiError> {
        match self {
            Self::Postgres(pool) => Ok(pool),
            Self::Demo(_) => Err(ApiError::unavailable(
                "The service runs on demonstration data, which cannot be changed, because no database is \
                 configured. Set DATABASE_URL and start it again.",
            )),
        }
    }

    /// The devices that somebody wears.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn worn_devices(&self) -> sqlx::Result<Vec<Device>> {
        match self {
            Self::Postgres(pool) => {
                let mut db = pool.acquire().await?;
                let devices = store::devices::list_worn(&mut db).await?;
                db.release();
                Ok(devices)
            }
            Self::Demo(demo) => Ok(demo.worn_devices()),
        }
    }

    /// Whether there is this patient.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_patient(&self, id: &PatientId) -> sqlx::Result<bool> {
        match self {
            Self::Postgres(pool) => {
                let mut db = pool.acquire().await?;
                let row = store::patients::get(&mut db, id.as_str()).await?;
                db.release();
                Ok(row.is_some())
            }
            Self::Demo(demo) => Ok(demo.patient(id.as_str()).is_some()),
        }
    }

    /// The database, when there is one.
    pub fn pool(&self) -> Option<&Pool> {
        match self {
            Self::Postgres(pool) => Some(pool),
            Self::Demo(_) => None,
        }
    }
}
