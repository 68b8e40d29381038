//! `mutuald key show`

use crate::cli::Answer;
use crate::feed::note::{ED25519, SigningKey};
use crate::node::{Hub, keys};
use crate::record::HubId;
use crate::store;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

#[derive(Serialize)]
struct Shown {
    hub: HubId,
    version: u64,
    expires: jiff::civil::Date,
    warning: Option<String>,
    threshold: usize,
    roots: Vec<Root>,
    lists: Vec<List>,
    mirrors: Vec<String>,
    successor: Option<HubId>,
    /// The file of the key that opens protected places in backups, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    places: Option<PathBuf>,
}

#[derive(Serialize)]
struct Root {
    name: String,
    fingerprint: String,
    vkey: String,
    here: Option<PathBuf>,
}

#[derive(Serialize)]
struct List {
    origin: String,
    fingerprint: String,
    entries: u64,
    closed_at: Option<u64>,
    key_file: Option<PathBuf>,
}

impl fmt::Display for Shown {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}   hub document version {}, good until {}", self.hub, self.version, self.expires)?;
        if let Some(warning) = &self.warning {
            writeln!(out, "WARNING  {warning}")?;
        }
        let all = self.roots.len();
        writeln!(out, "\nROOT KEYS: {} of {all} must sign every change of who this hub is", self.threshold)?;
        for root in &self.roots {
            let place = match &root.here {
                Some(file) => format!("still here in {}: copy it to two sticks, then delete it here", file.display()),
                None => "not on this machine, which is right".to_owned(),
            };
            writeln!(out, "  {}  {}  {place}", root.fingerprint, root.name)?;
        }
        writeln!(out, "\nLISTS")?;
        for list in &self.lists {
            let state = match list.closed_at {
                Some(size) => format!("closed with {size} entries"),
                None => format!("in use, {} entries", list.entries),
            };
            let key = match &list.key_file {
                Some(file) => format!("key in {}", file.display()),
                None if list.closed_at.is_some() => "no key here, and none needed".to_owned(),
                None => "ITS KEY IS NOT HERE: restore it, or `mutuald key rotate`".to_owned(),
            };
            writeln!(out, "  {}  {}  {state}; {key}", list.fingerprint, list.origin)?;
        }
        if let Some(places) = &self.places {
            writeln!(
                out,
                "\nPROTECTED PLACES in backups are opened by {} alone: keep a copy, apart from the backups",
                places.display()
            )?;
        }
        for mirror in &self.mirrors {
            writeln!(out, "Copies are kept at {mirror}")?;
        }
        match &self.successor {
            Some(successor) => write!(out, "\nThis hub has ended; {successor} takes over."),
            None => write!(out, "\n{KEEP}"),
        }
    }
}

/// What to keep where, in plain words.
const KEEP: &str = "Keep the root key on two USB sticks or on paper, in two locked places, not on this machine. It is needed only to \
change keys. Keep a copy of the list's key in a locked place, apart from the backups, which never hold it: whoever has it can speak in this hub's name until the root key closes the list.";

pub(super) async fn show(hub: &Hub) -> anyhow::Result<Answer> {
    let own = hub.own_document().await?;
    let folder = hub.config.keys();
    let mut db = hub.store.read().await?;
    let logs = store::log::of_hub(&mut db, store::log::OWN).await?;
    let today = hub.clock.today(&hub.config.time_zone()?);
    let roots = own.root_keys().iter().map(|key| Root {
        name: key.name().to_owned(),
        fingerprint: key.fingerprint(),
        vkey: key.to_string(),
        here: Some(keys::root_file(&folder)).filter(|file| {
            keys::read(file).is_ok_and(|secret| *SigningKey::new(key.name(), ED25519, &secret).public() == *key)
        }),
    });
    let lists = logs.iter().map(|log| List {
        origin: log.key.name().to_owned(),
        fingerprint: log.key.fingerprint(),
        entries: log.held,
        closed_at: log.closed.map(|(size, _)| size),
        key_file: keys::of(&folder, log).is_ok().then(|| keys::log_file(&folder, log.ordinal + 1)),
    });
    let warning = own.warns(today).map(|left| match left {
        ..0 => "the hub document is past its date: sign a newer one with `mutuald key renew --years 5`".to_owned(),
        left => {
            format!("the hub document ends in {left} days: `mutuald key renew --years 5`, with the root key at hand")
        }
    });
    let (lists, roots): (Vec<List>, Vec<Root>) = (lists.collect(), roots.collect());
    let mute = lists.last().is_some_and(|list| list.key_file.is_none() && list.closed_at.is_none());
    let look = warning.is_some() || mute;
    let document = &own.document;
    Ok(Answer::of(&Shown {
        hub: own.id,
        version: document.version,
        expires: document.expires,
        warning,
        threshold: own.threshold(),
        roots,
        lists,
        mirrors: document.mirrors.clone(),
        successor: document.successor,
        places: Some(keys::places_file(&folder)).filter(|file| keys::found(file).exists()),
    })?
    .look_if(look))
}
