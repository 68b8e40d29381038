//! `mutuald registry`

use super::{Answer, Context};
use crate::node::Digest;
use crate::node::check::{Finding, Mended};
use crate::node::derive::Derived;
use serde::Serialize;
use std::fmt;

/// The registry of all groups, made from all verified records
#[derive(Debug, clap::Subcommand)]
pub enum Registry {
    /// Show the one number that two hubs which know the same have in common
    Digest,
    /// Make every derived table again from the signed records
    Rebuild,
    /// Check every signature, every stored word and every derived table again
    Check,
    /// Fetch damaged entries of partner hubs again, and make derived tables again
    Mend,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Number(Digest);

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Digest { digest, policy, as_of, groups, logs, successors } = &self.0;
        writeln!(out, "{digest}\n\nmade from")?;
        writeln!(out, "  groups  {groups}\n  day     {as_of}\n  policy  {policy}")?;
        logs.iter().try_for_each(|(hub, size)| writeln!(out, "  {hub}  {size} statements"))?;
        successors.iter().try_for_each(|(hub, by)| writeln!(out, "  {hub}  has ended, and {by} takes over"))?;
        write!(out, "\nTwo hubs for which all of these are the same have the same number.")
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Rebuilt(Derived);

impl fmt::Display for Rebuilt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Made again from {} records: {} groups written.", self.0.records, self.0.groups)
    }
}

#[derive(Serialize)]
struct Findings {
    findings: Vec<Finding>,
}

impl fmt::Display for Findings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.findings.is_empty() {
            return out.write_str("Everything is as it must be.");
        }
        self.findings.iter().try_for_each(|finding| writeln!(out, "{}: {}", finding.code, finding.what))?;
        write!(
            out,
            "\nNothing was changed. `mutuald registry mend` fetches damaged entries of partner hubs again and makes derived tables again;\n\
             what is damaged of this hub's own list, `mutuald backup restore` puts right."
        )
    }
}

#[derive(Serialize)]
struct MendedAll {
    mended: Vec<Mended>,
    findings: Vec<Finding>,
}

impl fmt::Display for MendedAll {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Mended { hub, entries, failed } in &self.mended {
            match failed {
                None => writeln!(out, "{hub}: {entries} entries fetched again, and they are what was verified before")?,
                Some(why) => writeln!(
                    out,
                    "{hub}: not put right ({why}); try again later, or `mutuald partner remove` and add it again"
                )?,
            }
        }
        if self.findings.is_empty() {
            return out.write_str("Everything is as it must be.");
        }
        write!(out, "{}", Findings { findings: self.findings.clone() })
    }
}

impl Registry {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Answer> {
        let hub = context.hub().await?;
        match self {
            Registry::Digest => Answer::of(&Number(hub.digest().await?)),
            Registry::Rebuild => Answer::of(&Rebuilt(hub.rebuild().await?)),
            Registry::Mend => {
                let mended = hub.mend().await?;
                let findings = hub.check().await?;
                let look = !findings.is_empty() || mended.iter().any(|one| one.failed.is_some());
                Ok(Answer::of(&MendedAll { mended, findings })?.look_if(look))
            }
            Registry::Check => {
                let findings = hub.check().await?;
                let look = !findings.is_empty();
                Ok(Answer::of(&Findings { findings })?.look_if(look))
            }
        }
    }
}
