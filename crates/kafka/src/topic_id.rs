//! Topic description with the topic's id, which rdkafka's safe API does not offer yet.
//!
//! The only unsafe code of the workspace. Pointers come from librdkafka, are checked before use, and are
//! freed by guards; text is copied before its owner is destroyed.
#![expect(
    unsafe_code,
    reason = "DescribeTopics is only in librdkafka's C interface"
)]

use std::{
    ffi::{CStr, CString},
    ptr::{self, NonNull},
};

use rdkafka::{bindings as c, types::RDKafkaErrorCode};

/// What a cluster says about a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) id: String,
    pub(crate) partitions: i32,
}

/// Frees `T` with the C function it was made with.
struct Owned<T>(NonNull<T>, unsafe extern "C" fn(*mut T));

impl<T> Owned<T> {
    fn new(pointer: *mut T, free: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(pointer).map(|pointer| Self(pointer, free))
    }

    fn get(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: the pointer was returned by the constructor that belongs to this destructor, and is
        // dropped once.
        unsafe { (self.1)(self.0.as_ptr()) }
    }
}

/// Asks the cluster about `topic` and waits for at most `timeout_ms`. `None`: there is no such topic.
///
/// `client` must be a live client handle for the duration of the call.
pub(crate) fn describe(
    client: *mut c::rd_kafka_t,
    topic: &str,
    timeout_ms: i32,
) -> Result<Option<Description>, RDKafkaErrorCode> {
    let Ok(name) = CString::new(topic) else {
        return Err(RDKafkaErrorCode::InvalidTopic);
    };
    let mut names = [name.as_ptr()];
    // SAFETY: `client` is live (see above); every pointer handed in outlives the call it is handed to, and
    // results are read before the event that owns them is destroyed at the end of this block.
    unsafe {
        let queue = Owned::new(c::rd_kafka_queue_new(client), c::rd_kafka_queue_destroy)
            .ok_or(RDKafkaErrorCode::Fail)?;
        let collection = Owned::new(
            c::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len()),
            c::rd_kafka_TopicCollection_destroy,
        )
        .ok_or(RDKafkaErrorCode::Fail)?;
        let options = Owned::new(
            c::rd_kafka_AdminOptions_new(
                client,
                c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
            ),
            c::rd_kafka_AdminOptions_destroy,
        )
        .ok_or(RDKafkaErrorCode::Fail)?;
        c::rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, ptr::null_mut(), 0);
        c::rd_kafka_DescribeTopics(client, collection.get(), options.get(), queue.get());
        // Librdkafka answers within the request timeout; the second is for its own scheduling.
        let event = Owned::new(
            c::rd_kafka_queue_poll(queue.get(), timeout_ms.saturating_add(1000)),
            c::rd_kafka_event_destroy,
        )
        .ok_or(RDKafkaErrorCode::OperationTimedOut)?;
        let error = RDKafkaErrorCode::from(c::rd_kafka_event_error(event.get()));
        if error != RDKafkaErrorCode::NoError {
            return Err(error);
        }
        read(event.get())
    }
}

/// # Safety
/// `event` must be a live event.
unsafe fn read(event: *mut c::rd_kafka_event_t) -> Result<Option<Description>, RDKafkaErrorCode> {
    // SAFETY: the result and all it points to belong to the live event; null is checked before each use.
    unsafe {
        let result = c::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null() {
            return Err(RDKafkaErrorCode::Fail);
        }
        let mut count = 0;
        let topics = c::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if topics.is_null() || count == 0 {
            return Ok(None);
        }
        let topic = *topics;
        let error = c::rd_kafka_TopicDescription_error(topic);
        if !error.is_null() {
            return match RDKafkaErrorCode::from(c::rd_kafka_error_code(error)) {
                RDKafkaErrorCode::UnknownTopicOrPartition => Ok(None),
                RDKafkaErrorCode::NoError => Ok(None),
                other => Err(other),
            };
        }
        let mut partitions = 0;
        c::rd_kafka_TopicDescription_partitions(topic, &raw mut partitions);
        let id = c::rd_kafka_Uuid_base64str(c::rd_kafka_TopicDescription_topic_id(topic));
        if id.is_null() {
            return Err(RDKafkaErrorCode::Fail);
        }
        Ok(Some(Description {
            id: CStr::from_ptr(id).to_string_lossy().into_owned(),
            partitions: i32::try_from(partitions).unwrap_or(i32::MAX),
        }))
    }
}
