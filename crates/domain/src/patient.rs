use std::{fmt, str::FromStr};

use chrono::NaiveDate;

use crate::{Checks, Invalid, PatientId};

/// A person who wears a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patient {
    /// Primary key.
    pub patient_id: PatientId,
    /// 1 to 200 characters.
    pub name: String,
    /// Administrative gender.
    pub gender: Gender,
    /// Not in the future.
    pub birth_date: NaiveDate,
    /// 3 to 10 letters, digits, spaces and hyphens.
    pub zip_code: String,
    /// IANA name, such as `America/Chicago`.
    pub timezone: String,
}

/// Administrative gender, with the codes of HL7 version 2 table 0001.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gender {
    /// `F`
    Female,
    /// `M`
    Male,
    /// `O`
    Other,
    /// `U`
    Unknown,
}

impl Gender {
    /// The one-letter code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Female => "F",
            Self::Male => "M",
            Self::Other => "O",
            Self::Unknown => "U",
        }
    }
}

impl fmt::Display for Gender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Gender {
    type Err = &'static str;

    fn from_str(code: &str) -> Result<Self, Self::Err> {
        [Self::Female, Self::Male, Self::Other, Self::Unknown]
            .into_iter()
            .find(|gender| gender.as_str() == code)
            .ok_or("must be F, M, O or U")
    }
}

/// A patient as a client sent it.
#[derive(Debug, Clone)]
pub struct PatientDraft {
    pub patient_id: String,
    pub name: String,
    pub gender: String,
    pub birth_date: NaiveDate,
    pub zip_code: String,
    pub timezone: String,
}

impl PatientDraft {
    /// Checks the draft. `today` bounds the birth date.
    ///
    /// # Errors
    /// Everything that is wrong, with JSON pointers in the HTTP spelling.
    pub fn parse(self, today: NaiveDate) -> Result<Patient, Invalid> {
        let mut checks = Checks::default();
        let patient_id = checks.keep("/patientId", self.patient_id.parse());
        let name = checks.text("/name", &self.name, 1, 200);
        let gender = checks.keep("/gender", self.gender.parse());
        checks.require(
            self.birth_date <= today,
            "/birthDate",
            "must not be in the future",
        );
        checks.require(
            is_zip_code(&self.zip_code),
            "/zipCode",
            "must have 3 to 10 letters, digits, spaces or hyphens",
        );
        checks.require(
            is_timezone(&self.timezone),
            "/timezone",
            "must be an IANA time zone name such as America/Chicago",
        );
        checks.finish()?;
        let (Some(patient_id), Some(gender)) = (patient_id, gender) else {
            return Err(Invalid::at("", "is invalid"));
        };
        Ok(Patient {
            patient_id,
            name,
            gender,
            birth_date: self.birth_date,
            zip_code: self.zip_code,
            timezone: self.timezone,
        })
    }
}

fn is_zip_code(text: &str) -> bool {
    (3..=10).contains(&text.len())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-'))
}

/// Whether the IANA database, in the version that this was built with, has the name.
fn is_timezone(text: &str) -> bool {
    text.parse::<chrono_tz::Tz>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> PatientDraft {
        PatientDraft {
            patient_id: "P001".to_owned(),
            name: "  Alice Smith ".to_owned(),
            gender: "F".to_owned(),
            birth_date: date("1980-05-12"),
            zip_code: "15201".to_owned(),
            timezone: "America/Chicago".to_owned(),
        }
    }

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_good_draft_is_a_patient() {
        let patient = draft().parse(date("2026-01-01")).unwrap();
        assert_eq!(patient.name, "Alice Smith");
        assert_eq!(patient.gender, Gender::Female);
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        let bad = PatientDraft {
            patient_id: "P 1".to_owned(),
            name: " ".to_owned(),
            gender: "X".to_owned(),
            birth_date: date("2026-01-02"),
            zip_code: "1".to_owned(),
            timezone: "America/Chicagoo".to_owned(),
        };
        let invalid = bad.parse(date("2026-01-01")).unwrap_err();
        let pointers: Vec<_> = invalid
            .errors()
            .iter()
            .map(|e| e.pointer.as_str())
            .collect();
        assert_eq!(
            pointers,
            [
                "/patientId",
                "/name",
                "/gender",
                "/birthDate",
                "/zipCode",
                "/timezone"
            ]
        );
    }
}
