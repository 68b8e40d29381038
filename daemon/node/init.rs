//! Making a hub: keys, hub document, database, and the first two things it says.

use super::author::{self, Draft};
use super::{Chance, keys};
use crate::clock::Clock;
use crate::config::Config;
use crate::feed::hub::{self as hub_document, HubDocument};
use crate::feed::note::LogKeys;
use crate::record::HubId;
use crate::record::contact::CONTACT;
use crate::record::list::{List, OWN as OWN_LIST};
use crate::record::statement::{Body, Kind};
use crate::registry::linkage::Model;
use crate::store::{self, Store};
use anyhow::{Context, bail};
use jiff::ToSpan;
use std::collections::BTreeMap;
use std::path::PathBuf;
use uuid::Uuid;

/// What a person answers.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The hub's name.
    pub name: String,
    /// Its web address, from which the log takes its name; the host suffices.
    pub address: String,
    /// A role mailbox for questions about its records.
    pub contact: String,
    /// Licence of what it publishes.
    pub licence: String,
    /// GSS codes of the areas it says it covers.
    pub areas: Vec<String>,
}

/// A hub that was made.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Made {
    /// Its id: what partners are told.
    pub hub: HubId,
    /// Its name.
    pub name: String,
    /// Fingerprint of its list's key.
    pub fingerprint: String,
    /// Verifier key of its list.
    pub vkey: String,
    /// File of the root key.
    pub root_key: PathBuf,
    /// File of the list's key.
    pub log_key: PathBuf,
    /// The database.
    pub database: PathBuf,
}

/// Makes a hub where none is. Nothing that exists is overwritten.
///
/// # Errors
/// A hub that is already there, or I/O errors.
pub async fn init(config: &Config, answers: &Answers, clock: &Clock, chance: &Chance) -> anyhow::Result<Made> {
    let (state, folder, database) = (&config.hub.state, config.keys(), config.database());
    if database.exists() {
        bail!("there is already a hub at {}; nothing was changed", state.display());
    }
    let origin = format!("{}/1", host(&answers.address)?);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    private(&folder)?;
    for file in [keys::root_file(&folder), keys::log_file(&folder, 1)] {
        chance.draw(|rng| keys::create(&file, rng))?;
    }
    let root = keys::root(&folder, &format!("{}-root-a", host(&answers.address)?))?;
    let log_keys = keys::log(&folder, 1, &origin)?;

    let today = clock.today(&config.time_zone().context("hub.time_zone")?);
    let mut document = HubDocument::first(
        &answers.name,
        &answers.licence,
        &root,
        &log_keys,
        "../v1/1/",
        today.saturating_add(5.years()),
    );
    document.role_contact = answers.contact.clone();
    document.areas = answers.areas.clone();
    if let Some(publish) = &config.publish {
        document.policy.republish_s = publish.republish_s;
        if publish.contacts {
            document.classes.insert(CONTACT.into(), "peers".into());
        }
    }
    let signed = document.sign(&[&root]);
    let hub = hub_document::open(signed.as_bytes(), None).context("the hub document just made does not verify")?;
    first_words(&database, signed.as_bytes(), &hub, &log_keys, clock, chance).await.inspect_err(|_| {
        // Without its first words the database is no hub; a second try must find nothing in its way.
        let _ = std::fs::remove_file(&database);
    })?;
    Ok(Made {
        hub: hub.id,
        name: answers.name.clone(),
        fingerprint: log_keys.log.public().fingerprint(),
        vkey: log_keys.log.public().to_string(),
        root_key: keys::root_file(&folder),
        log_key: keys::log_file(&folder, 1),
        database,
    })
}

async fn first_words(
    database: &std::path::Path,
    document: &[u8],
    hub: &hub_document::VerifiedHub,
    keys: &LogKeys,
    clock: &Clock,
    chance: &Chance,
) -> anyhow::Result<()> {
    let store = Store::open(database, true).await.with_context(|| format!("cannot make {}", database.display()))?;
    let mut db = store.write().await?;
    store::log::create(&mut db, hub, document, true).await?;
    let mut log = store::log::by_number(&mut db, store::log::OWN).await?.context("the hub just made is not there")?;
    let own = List { title: hub.document.name.clone(), kind: OWN_LIST.into(), ..List::default() };
    let drafts = [
        Draft { id: chance.id(), rev: 1, body: Body::Hub { version: 1, digest: hub.digest.clone() }, public: None },
        list(chance.id(), 1, &own)?,
    ];
    let mut rng = chance.draw(<rand::rngs::StdRng as rand::SeedableRng>::from_rng);
    author::append(&mut db, &mut log, &drafts, &BTreeMap::new(), keys, clock.now(), &mut rng).await?;
    let linkage = Model::shipped();
    super::accept::accept(&mut db, &log, log.held, &linkage, Default::default()).await?;
    // Under another model all of it is read again: one list.
    store::set(&mut db, "linkage", linkage.hash()).await?;
    db.commit().await?;
    store.close().await;
    Ok(())
}

/// The draft that states a list.
///
/// # Errors
/// A list that does not serialise, which [`List`]s do.
pub fn list(id: Uuid, rev: u64, list: &List) -> anyhow::Result<Draft> {
    Ok(Draft { id, rev, body: Body::Put(Kind::List), public: Some(serde_json::to_string(list)?) })
}

fn host(address: &str) -> anyhow::Result<String> {
    let whole = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let url = url::Url::parse(&whole).ok().filter(|url| url.has_host());
    let url = url.with_context(|| format!("{address:?} is not a web address such as feed.example.org"))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    Ok(url.port().map_or(host.clone(), |port| format!("{host}:{port}")))
}

fn private(folder: &std::path::Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot close {} to others", folder.display()))
}
