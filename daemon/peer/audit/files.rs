//! Where a feed's files come from: an address or a folder, read within the same limits.

use super::AuditError;
use crate::limits::Limits;
use crate::peer::client::{Client, FetchError};
use crate::peer::pull::document_url;
use reqwest::Url;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

/// A feed to look at.
#[derive(Clone)]
pub enum Source {
    /// Where it is served: the address a partner is given.
    Url(Client, Url),
    /// A copy: what a static host would serve.
    Folder(PathBuf),
}

/// A feed's files, each named by a URL. In a folder only the URL's path counts: it does not matter where it was served.
pub struct Files<'a> {
    source: &'a Source,
    limits: Limits,
    /// Where the hub document is.
    pub document: Url,
    /// Below which the log lies.
    prefix: Url,
}

/// What reading a file brought.
pub enum Read {
    /// All of it.
    Whole(Vec<u8>),
    /// It is not there.
    Absent,
    /// It is not to be taken: code and words.
    Refused(&'static str, String),
}

impl<'a> Files<'a> {
    pub fn of(source: &'a Source) -> Result<Files<'a>, AuditError> {
        let (address, limits) = match source {
            Source::Url(client, url) => (url.as_str(), client.limits().clone()),
            Source::Folder(_) => ("https://folder.invalid/", Limits::default()),
        };
        let document = document_url(address).map_err(|_| AuditError::Url(address.to_owned()))?;
        Ok(Files { source, limits, prefix: document.clone(), document })
    }

    /// The same files, with the log below this prefix.
    pub fn below(self, prefix: &str) -> Result<Files<'a>, AuditError> {
        let prefix = self.beside_document(prefix)?;
        Ok(Files { prefix, ..self })
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bundles fetched and checked side by side.
    pub fn side_by_side(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        match self.source {
            Source::Url(..) => (self.limits.parallel_gets as usize).max(1),
            Source::Folder(_) => cores + 1,
        }
    }

    /// A file of the log.
    pub fn at(&self, path: &str) -> Result<Url, AuditError> {
        self.prefix.join(path).map_err(|_| AuditError::Url(path.to_owned()))
    }

    /// A file named relative to the hub document.
    pub fn beside_document(&self, path: &str) -> Result<Url, AuditError> {
        self.document.join(path).map_err(|_| AuditError::Url(path.to_owned()))
    }

    /// A file's name as people read it: relative to the feed where it lies below it.
    pub fn name(&self, url: &Url) -> String {
        let base = self.document.as_str().trim_end_matches(".well-known/groups-hub");
        url.as_str().strip_prefix(base).unwrap_or(url.as_str()).to_owned()
    }

    /// The name of a file of the log.
    pub fn log_name(&self, path: &str) -> Result<String, AuditError> {
        Ok(self.name(&self.at(path)?))
    }

    /// A file without which there is nothing to look at.
    pub async fn needed(&self, url: &Url, most: u64) -> Result<Vec<u8>, AuditError> {
        match self.read(url, most, true).await? {
            Read::Whole(bytes) => Ok(bytes),
            Read::Absent => Err(AuditError::Missing(self.name(url))),
            Read::Refused(code, what) => Err(AuditError::Unusable(code, what)),
        }
    }

    /// Reads a file of at most this many bytes; `fresh` asks past every cache on the way.
    pub async fn read(&self, url: &Url, most: u64, fresh: bool) -> Result<Read, AuditError> {
        match self.source {
            Source::Url(client, _) => match client.whole(url, most, fresh).await {
                Ok(bytes) => Ok(Read::Whole(bytes)),
                Err(FetchError::Status(_, 404 | 410, _)) => Ok(Read::Absent),
                Err(error @ (FetchError::TooLarge(..) | FetchError::Ratio(..) | FetchError::WebPage(..))) => {
                    Ok(Read::Refused(error.code(), error.to_string()))
                }
                Err(error) => Err(error.into()),
            },
            Source::Folder(folder) => {
                // Read where we stand: handing a small local file to another thread costs more than reading it, and whoever
                // audits a folder waits for nothing else.
                bounded(&folder.join(url.path().trim_start_matches('/')), most)
            }
        }
    }
}

fn bounded(path: &Path, most: u64) -> Result<Read, AuditError> {
    let failed = |error| AuditError::Folder(path.display().to_string(), error);
    let kind = match std::fs::metadata(path) {
        // A bundle's folder of partial files may stand where the bundle is asked for, and the other way round.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(Read::Absent);
        }
        kind => kind.map_err(failed)?,
    };
    // A pipe would keep us waiting for ever.
    if !kind.is_file() {
        return Ok(Read::Absent);
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Ok(Read::Refused("too-large", format!("it is longer than {most} bytes")));
    }
    Ok(Read::Whole(bytes))
}
