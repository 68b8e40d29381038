//! `mutuald key sign`: what somebody does who holds a root key, on a machine that needs no hub. Whoever signs is told in words what
//! the draft says: a hub's machine in the wrong hands could draft another end than the one that was spoken of.

use crate::cli::Answer;
use crate::cli::output::{Failure, count};
use crate::feed::hub::{HEADER, HubDocument};
use crate::feed::note::{ED25519, SigningKey, VerifyKey};
use crate::node::keys;
use crate::node::rollover::add_signature;
use anyhow::Context as _;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Signed {
    file: PathBuf,
    /// The key that signed; none where it was only looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    /// How many signatures it has now.
    signatures: usize,
    says: Says,
}

/// What a draft says, as far as it matters to who signs it.
#[derive(Serialize)]
struct Says {
    hub: String,
    name: String,
    version: u64,
    threshold: u8,
    roots: Vec<String>,
    lists: Vec<String>,
    mirrors: Vec<String>,
    successor: Option<String>,
    expires: jiff::civil::Date,
}

impl fmt::Display for Signed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (draft, says) = (self.file.display(), &self.says);
        let signatures = count(self.signatures as u64, "signature", "signatures");
        match &self.by {
            Some(by) => writeln!(out, "{by} has signed {draft}, which has {signatures} now. It says:")?,
            None => writeln!(out, "{draft} has {signatures}, and says:")?,
        }
        writeln!(out, "  hub document version {} of {} ({})", says.version, says.name, says.hub)?;
        writeln!(out, "  from now on {} of {} must sign: {}", says.threshold, says.roots.len(), says.roots.join(", "))?;
        says.lists.iter().try_for_each(|list| writeln!(out, "  {list}"))?;
        says.mirrors.iter().try_for_each(|mirror| writeln!(out, "  copies are kept at {mirror}"))?;
        if let Some(successor) = &says.successor {
            writeln!(out, "  THE HUB ENDS, and {successor} takes over")?;
        }
        writeln!(out, "  good until {}", says.expires)?;
        match self.by {
            Some(_) => write!(
                out,
                "\nIf that is not what was agreed, delete the file and hand it to nobody.\nWhen enough have: mutuald key apply {draft}"
            ),
            None => {
                write!(out, "\nNothing was signed. If that is what was agreed: mutuald key sign {draft} --root FILE")
            }
        }
    }
}

/// What a draft says; signatures are not looked at.
fn says(draft: &Path, document: &str) -> anyhow::Result<Says> {
    let text = document.strip_prefix(HEADER).and_then(|rest| rest.lines().next());
    let read = text.and_then(|line| serde_json::from_str::<HubDocument>(line).ok());
    let read = read.ok_or_else(|| {
        Failure::usage(
            format!("{} is no draft of a hub document", draft.display()),
            "a command such as `mutuald key rotate --out DRAFT` makes one",
        )
    })?;
    let key = |vkey: &String| match VerifyKey::parse(vkey) {
        Ok(key) => format!("{} ({})", key.name(), key.fingerprint()),
        Err(_) => format!("{vkey} (NOT A KEY)"),
    };
    let list = |log: &crate::feed::hub::Log| match &log.closed {
        Some(closed) => format!("the list {} is closed with {}", log.origin, count(closed.size, "entry", "entries")),
        None => format!("the list {} is in use, at {}, with the key {}", log.origin, log.prefix, key(&log.vkey)),
    };
    Ok(Says {
        hub: read.hub.map_or("a new hub".to_owned(), |hub| hub.to_string()),
        name: read.name.clone(),
        version: read.version,
        threshold: read.root.threshold,
        roots: read.root.vkeys.iter().map(key).collect(),
        lists: read.logs.iter().map(list).collect(),
        mirrors: read.mirrors.clone(),
        successor: read.successor.map(|hub| hub.to_string()),
        expires: read.expires,
    })
}

pub(super) fn sign(draft: &Path, root: Option<&Path>, name: Option<&str>) -> anyhow::Result<Answer> {
    let document = std::fs::read_to_string(draft).with_context(|| format!("cannot read {}", draft.display()))?;
    let says = says(draft, &document)?;
    let signatures = |document: &str| document.lines().filter(|line| line.starts_with("— ")).count();
    let Some(root) = root else {
        let signatures = signatures(&document);
        return Answer::of(&Signed { file: draft.to_owned(), by: None, signatures, says });
    };
    let secret = keys::read(root)?;
    let named =
        root_names(&document).into_iter().find(|key| *SigningKey::new(key.name(), ED25519, &secret).public() == *key);
    let name = match (named, name) {
        (Some(key), _) => key.name().to_owned(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => {
            return Err(Failure::usage(
                format!("the draft does not name the key in {}", root.display()),
                "a key that is being replaced signs with --name and its name; else it is another hub's draft, or another key",
            )
            .into());
        }
    };
    let signed = add_signature(&document, &SigningKey::new(&name, ED25519, &secret))?;
    std::fs::write(draft, &signed).with_context(|| format!("cannot write {}", draft.display()))?;
    Answer::of(&Signed { file: draft.to_owned(), by: Some(name), signatures: signatures(&signed), says })
}

/// The root keys that a draft names.
pub(super) fn root_names(document: &str) -> Vec<VerifyKey> {
    let json = document.lines().nth(1).and_then(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let vkeys = json.as_ref().and_then(|json| json["root"]["vkeys"].as_array().cloned()).unwrap_or_default();
    vkeys.iter().filter_map(|key| VerifyKey::parse(key.as_str()?).ok()).collect()
}
