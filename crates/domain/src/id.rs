use std::{fmt, str::FromStr};

use rand::Rng;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a text is not an identifier.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidId {
    /// Nothing, or only white space.
    #[error("must not be empty")]
    Empty,
    /// More characters than this.
    #[error("must have at most {0} characters")]
    TooLong(usize),
    /// A character that would need escaping in a URL, a topic key or a log line.
    #[error("must consist of letters, digits, '-', '_' and '.', but contains {0:?}")]
    Character(char),
}

fn check(text: &str, max: usize) -> Result<(), InvalidId> {
    if text.trim().is_empty() {
        return Err(InvalidId::Empty);
    }
    if text.chars().count() > max {
        return Err(InvalidId::TooLong(max));
    }
    match text
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
    {
        Some(c) => Err(InvalidId::Character(c)),
        None => Ok(()),
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Longest identifier that is accepted, in characters.
            pub const MAX_LEN: usize = $max;

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                check(text, Self::MAX_LEN).map(|()| Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                check(&text, Self::MAX_LEN).map(|()| Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// Identifies a patient, such as `P001`.
    PatientId, 64
}
id! {
    /// Identifies a device, such as `DEV-P001`; the key of its readings in Kafka.
    DeviceId, 64
}
id! {
    /// Identifies a prescription, such as `RX-DEV-P001-a3F9`. Long enough for a generated one of any device.
    PrescriptionId, 80
}

impl PrescriptionId {
    /// How many random characters end a generated identifier.
    pub const SUFFIX_LEN: usize = 4;

    /// `RX-<device_id>-<4 of [A-Za-z0-9]>`. Two calls may collide (1 in 14.8 million for one device), so the
    /// caller inserts under a unique constraint and draws again.
    pub fn generate(device: &DeviceId, rng: &mut impl Rng) -> Self {
        let suffix: String = rng
            .sample_iter(rand::distr::Alphanumeric)
            .take(Self::SUFFIX_LEN)
            .map(char::from)
            .collect();
        Self(format!("RX-{device}-{suffix}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn says_what_is_wrong_with_an_identifier() {
        let check = |text: &str| text.parse::<DeviceId>().map(String::from);
        assert_eq!(check("DEV-P001"), Ok("DEV-P001".to_owned()));
        assert_eq!(check(""), Err(InvalidId::Empty));
        assert_eq!(check("  "), Err(InvalidId::Empty));
        assert_eq!(check(&"x".repeat(65)), Err(InvalidId::TooLong(64)));
        assert_eq!(check("a/b"), Err(InvalidId::Character('/')));
        assert_eq!(check("a b"), Err(InvalidId::Character(' ')));
    }

    proptest! {
        #[test]
        fn generated_prescription_ids_have_the_documented_form(seed: u64) {
            let device: DeviceId = "DEV-P002".parse().unwrap();
            let id = PrescriptionId::generate(&device, &mut StdRng::seed_from_u64(seed));
            let suffix = id.as_str().strip_prefix("RX-DEV-P002-").unwrap();
            prop_assert_eq!(suffix.len(), 4);
            prop_assert!(suffix.chars().all(|c| c.is_ascii_alphanumeric()));
            prop_assert_eq!(id.as_str().parse::<PrescriptionId>().unwrap(), id);
        }
    }
}
