//! Changes of the hub document: looked at, drafted for others to sign, carried out.

use super::Signing;
use super::sign::root_names;
use crate::cli::output::{Failure, count};
use crate::cli::{Answer, Context};
use crate::feed::hub as hub_document;
use crate::feed::note::{ED25519, SigningKey, VerifyKey};
use crate::node::rollover::{Adopted, Change, Later, Plan, add_signature};
use crate::node::{Hub, keys};
use anyhow::Context as _;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

#[derive(Serialize)]
struct Planned {
    #[serde(flatten)]
    plan: Plan,
    signed: usize,
    draft: Option<PathBuf>,
}

impl fmt::Display for Planned {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Planned { plan, signed, draft } = self;
        writeln!(out, "Hub document version {}:", plan.version)?;
        if let Some((origin, size)) = &plan.closes {
            writeln!(out, "  closes the list {origin} with {}", count(*size, "entry", "entries"))?;
        }
        if plan.voids > 0 {
            writeln!(
                out,
                "  {} after that become void at every hub, and what they changed comes back",
                count(plan.voids, "entry", "entries")
            )?;
        }
        if let Some(origin) = &plan.begins {
            writeln!(
                out,
                "  begins the list {origin} with a new key; {} said again",
                count(plan.again, "statement is", "statements are")
            )?;
        } else if plan.closes.is_some() {
            writeln!(out, "  THIS HUB ENDS: it can say nothing more")?;
        }
        for signers in &plan.needs {
            writeln!(out, "  needs the signatures of {} of: {}", signers.of, signers.names.join(", "))?;
        }
        match draft {
            Some(draft) => {
                writeln!(
                    out,
                    "\nThe text is in {}, with {}.",
                    draft.display(),
                    count(*signed as u64, "signature", "signatures")
                )?;
                write!(
                    out,
                    "Each holder: mutuald key sign {} --root FILE\nThen here: mutuald key apply {}",
                    draft.display(),
                    draft.display()
                )
            }
            None => write!(
                out,
                "\nNothing was changed. With the root keys at hand: the same command with --root FILE --commit.\n\
                 With root keys elsewhere: --out DRAFT, then `mutuald key sign` there, then `mutuald key apply` here."
            ),
        }
    }
}

pub(super) async fn change(
    context: &Context,
    change: &Change,
    signing: Signing,
    later: Option<Later>,
) -> anyhow::Result<Answer> {
    let hub = super::hub(context).await?;
    let write = signing.commit || signing.out.is_some();
    let plan = hub.plan_document(change, write).await?;
    if !write {
        return Answer::of(&Planned { plan, signed: 0, draft: None });
    }
    let own = hub.own_document().await?;
    let mut document = format!("{}\n", plan.text);
    let mut signed = 0;
    let files = match signing.root.is_empty() {
        true => Some(keys::root_file(&hub.config.keys())).filter(|file| file.exists()).into_iter().collect(),
        false => signing.root,
    };
    for file in &files {
        let secret = keys::read(file)?;
        let mut names: Vec<VerifyKey> = own.root_keys().to_vec();
        names.extend(root_names(&plan.text));
        let name = names.iter().find(|key| *SigningKey::new(key.name(), ED25519, &secret).public() == **key);
        let name = name.ok_or_else(|| {
            Failure::usage(format!("{} is no root key of this hub", file.display()), "`mutuald key show` names them")
        })?;
        document = add_signature(&document, &SigningKey::new(name.name(), ED25519, &secret))?;
        signed += 1;
    }
    if let Some(draft) = signing.out {
        std::fs::write(&draft, &document).with_context(|| format!("cannot write {}", draft.display()))?;
        return Answer::of(&Planned { plan, signed, draft: Some(draft) });
    }
    if hub_document::next(&own, document.as_bytes()).is_err() {
        let needs: Vec<String> =
            plan.needs.iter().map(|signers| format!("{} of {}", signers.of, signers.names.join(", "))).collect();
        return Err(Failure::usage(
            format!("too few root keys signed ({signed}; it takes {})", needs.join(" and ")),
            "name each key file with --root, or --out DRAFT for those who hold the others",
        )
        .into());
    }
    apply(&hub, &document, later).await
}

#[derive(Serialize)]
#[serde(transparent)]
struct InForce(Adopted);

impl fmt::Display for InForce {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Adopted { version, again, voided, published } = &self.0;
        writeln!(out, "Hub document version {version} is in force.")?;
        if *voided > 0 {
            writeln!(out, "{} are void now.", count(*voided, "entry", "entries"))?;
        }
        if *again > 0 {
            writeln!(
                out,
                "{} said again in the new list. Its key is in no backup; keep a copy in a locked place: `mutuald key backup`.",
                count(*again, "statement was", "statements were")
            )?;
        }
        match published {
            Some(_) => write!(out, "It is published; partner hubs follow at their next pull."),
            None => write!(out, "It is not published: there is no [publish] in the settings."),
        }
    }
}

pub(super) async fn apply(hub: &Hub, document: &str, later: Option<Later>) -> anyhow::Result<Answer> {
    let adopted = hub.adopt_document(document.as_bytes(), later).await;
    hub.store.close().await;
    Answer::of(&InForce(adopted?))
}
