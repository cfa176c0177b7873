//! Buttons, batteries and places of the devices, on their way to Kafka.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::future::try_join_all;
use hc_contracts::{DeviceEventKey, DeviceEventValue, subject, topics};
use hc_domain::{DeviceEvent, DeviceId};
use hc_kafka::{Encoder, Outgoing};
use tokio::{sync::OnceCell, time::timeout};

use crate::{http::ApiError, kafka::Kafka};

/// Longest time until somebody learns that Kafka does not answer.
const LIMIT: Duration = Duration::from_secs(8);
/// Longest time of a first look at Kafka.
const PING_LIMIT: Duration = Duration::from_secs(2);

/// Sends events.
pub struct DeviceEvents {
    kafka: Option<Kafka>,
    encoders: OnceCell<Encoders>,
    presses: Mutex<HashMap<DeviceId, u64>>,
}

struct Encoders {
    key: Encoder,
    value: Encoder,
}

impl std::fmt::Debug for DeviceEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeviceEvents").finish_non_exhaustive()
    }
}

impl DeviceEvents {
    pub fn new(kafka: Option<Kafka>) -> Self {
        Self {
            kafka,
            encoders: OnceCell::new(),
            presses: Mutex::default(),
        }
    }

    /// Sends the events and waits until Kafka has them.
    ///
    /// # Errors
    /// 503 when Kafka is not configured, or does not take all of them within seconds; some may have arrived then.
    pub async fn send(&self, events: &[DeviceEvent]) -> Result<(), ApiError> {
        let Some(kafka) = &self.kafka else {
            return Err(ApiError::unavailable(
                "Device events go to Kafka, and no broker is configured. Set KAFKA_BOOTSTRAP_SERVERS and \
                 SCHEMA_REGISTRY_URL, and start the service again.",
            ));
        };
        let cause = match timeout(LIMIT, self.deliver(kafka, events)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => format!("not within {} s", LIMIT.as_secs()),
        };
        tracing::warn!(cause, "device events were not delivered");
        Err(ApiError::unavailable(
            "Kafka or the schema registry does not answer, so the device events were not sent; try again.",
        ))
    }

    async fn deliver(&self, kafka: &Kafka, events: &[DeviceEvent]) -> anyhow::Result<()> {
        let encoders = self.encoders.get_or_try_init(|| encoders(kafka)).await?;
        let topic = kafka.name(topics::RAW_EVENTS);
        let deliveries = events.iter().map(async |event| {
            let key = encoders.key.encode(&DeviceEventKey::from(event))?;
            let value = encoders.value.encode(&DeviceEventValue::from(event))?;
            let record = Outgoing::new(&topic, key, value);
            kafka.prompt.deliver(record).await?;
            anyhow::Ok(())
        });
        try_join_all(deliveries).await.map(drop)
    }

    /// Counts a press of the button of a device that exists; how many there were since the service started.
    pub fn count_press(&self, device: &DeviceId) -> u64 {
        let mut presses = self.presses.lock().unwrap_or_else(PoisonError::into_inner);
        let count = presses.entry(device.clone()).or_default();
        *count += 1;
        *count
    }
}

async fn encoders(kafka: &Kafka) -> anyhow::Result<Encoders> {
    kafka.admin.ping(PING_LIMIT).await?;
    kafka.ensure_topics().await?;
    let (key, value) = (&subject::RAW_EVENTS_KEY, &subject::RAW_EVENTS_VALUE);
    Ok(Encoders {
        key: Encoder::new(kafka.register(key).await?, key.schema())?,
        value: Encoder::new(kafka.register(value).await?, value.schema())?,
    })
}
