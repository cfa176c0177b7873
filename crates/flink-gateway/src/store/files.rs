//! One JSON file per object, replaced whole: a reader never sees half a file, a crash leaves the old or the new one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;
use crate::replace::{replace, sync};

/// A folder of `<name>.json` files. Names are checked before they come here.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(super) fn open(path: PathBuf) -> Result<Self, StoreError> {
        fs::create_dir_all(&path).map_err(|error| StoreError::io(&path, error))?;
        Ok(Self { path })
    }

    /// Every object, with leftovers of interrupted writes removed. An unreadable file is an error: to skip it would
    /// forget a statement whose job still runs.
    pub(super) fn load<T: DeserializeOwned>(&self) -> Result<Vec<T>, StoreError> {
        let mut objects = Vec::new();
        for entry in fs::read_dir(&self.path).map_err(|error| StoreError::io(&self.path, error))? {
            let path = entry
                .map_err(|error| StoreError::io(&self.path, error))?
                .path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("json") => objects.push(read(&path)?),
                Some("tmp") => {
                    fs::remove_file(&path).map_err(|error| StoreError::io(&path, error))?
                }
                _ => {}
            }
        }
        Ok(objects)
    }

    pub(super) fn write<T: Serialize>(&self, name: &str, object: &T) -> Result<(), StoreError> {
        let path = self.file(name);
        let bytes = serde_json::to_vec_pretty(object)
            .map_err(|error| StoreError::io(&path, io::Error::other(error)))?;
        replace(&path, &bytes, 0o644).map_err(|error| StoreError::io(&path, error))
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), StoreError> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(StoreError::io(&path, error))
            }
            _ => sync(&self.path).map_err(|error| StoreError::io(&path, error)),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.json"))
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, StoreError> {
    let bytes = fs::read(path).map_err(|error| StoreError::io(path, error))?;
    serde_json::from_slice(&bytes).map_err(|error| StoreError::Damaged {
        path: path.to_owned(),
        error,
    })
}
