//! What an audit found, for programs and in plain words.

use crate::record::statement::HubId;
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Something that is not as the format demands. `schema/README.md` says what each code means and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Stable kebab-case code.
    pub code: &'static str,
    /// The file, relative to the feed.
    pub path: String,
    /// In words.
    pub what: String,
}

/// What a feed holds and whether it is what its hub signed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Audit {
    /// Whose it is.
    pub hub: HubId,
    /// What the hub calls itself.
    pub name: String,
    /// The log's name.
    pub origin: String,
    /// Entries the checkpoint signs.
    pub size: u64,
    /// The root it signs, base64.
    pub root: String,
    /// When the hub last confirmed it, in seconds since 1970.
    pub signed: u64,
    /// Seconds within which the hub promises to confirm it again.
    pub republish_s: u64,
    /// Until when the hub document may be trusted without looking for a newer one.
    pub expires: Date,
    /// Entries looked at: all of them, unless problems ended the audit.
    pub looked_at: u64,
    /// Entries by type and op; `void` and `not understood` are two more.
    pub leaves: BTreeMap<String, u64>,
    /// Entries that say nothing, with the code of why. They keep their place and harm nothing else.
    pub void: Vec<(u64, &'static str)>,
    /// Part lines that are there, each with the digest its entry signs.
    pub lines: u64,
    /// Entries whose line is empty though nothing later in the log explains it.
    pub withheld: Vec<u64>,
    /// Part files that are not there though entries name lines in them.
    pub parts_absent: u64,
    /// Whatever is wrong.
    pub problems: Vec<Problem>,
}

/// How old a feed's last confirmation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Freshness {
    /// Confirmed as often as promised, give or take.
    Fresh,
    /// Not confirmed for three times as long as promised (PROTOCOL 1.5): an old copy, or a hub that stands still.
    Stale,
    /// Confirmed at a time that is yet to come, by more than ten minutes: a clock is wrong.
    Ahead,
    /// The hub document is past its date: there may be a newer one that is not shown.
    Expired,
}

impl Audit {
    /// Whether everything that is there is what the hub signed. Entries that say nothing, withheld lines and absent part
    /// files are stated, and are no contradiction of that.
    pub fn sound(&self) -> bool {
        self.problems.is_empty()
    }

    /// How the confirmation stands to a moment. Not part of soundness: an old copy is as true as it ever was.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        match () {
            () if now.to_zoned(jiff::tz::TimeZone::UTC).date() > self.expires => Freshness::Expired,
            () if self.signed > seconds.saturating_add(600) => Freshness::Ahead,
            () if seconds.saturating_sub(self.signed) > self.republish_s.saturating_mul(3) => Freshness::Stale,
            () => Freshness::Fresh,
        }
    }
}

impl fmt::Display for Freshness {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Freshness::Fresh => "confirmed as often as the hub promises",
            Freshness::Stale => "not confirmed for three times as long as the hub promises: perhaps an old copy",
            Freshness::Ahead => "confirmed at a time that is yet to come: a clock is wrong",
            Freshness::Expired => "the hub document is past its date: there may be a newer one",
        })
    }
}

/// Text from outside, without what could move a terminal's cursor.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {} [{}]", plain(&self.path), plain(&self.what), self.code)
    }
}

/// A few of many numbers.
fn some(indexes: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 10;
    let left = indexes.len().saturating_sub(SHOWN);
    let shown: Vec<String> = indexes.take(SHOWN).collect();
    let rest = if left > 0 { format!(" and {left} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

impl fmt::Display for Audit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let signed = i64::try_from(self.signed).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
        let signed = signed.map_or_else(|| "a time outside the calendar".to_owned(), |time| time.to_string());
        writeln!(out, "{} ({})", plain(&self.name), self.hub)?;
        writeln!(out, "List {}: {} entries, last confirmed {signed}", plain(&self.origin), self.size)?;
        writeln!(out, "Root {}", self.root)?;
        for (kind, count) in &self.leaves {
            writeln!(out, "  {kind}: {count}")?;
        }
        writeln!(out, "Lines of words that are there: {}", self.lines)?;
        if self.parts_absent > 0 {
            writeln!(
                out,
                "Parts absent: {} files of words are not there. What is signed holds without them",
                self.parts_absent
            )?;
        }
        if !self.void.is_empty() {
            let which = some(self.void.iter().map(|(index, code)| format!("{index} ({code})")));
            writeln!(out, "Entries that say nothing: {}: {which}", self.void.len())?;
        }
        if !self.withheld.is_empty() {
            let which = some(self.withheld.iter().map(u64::to_string));
            writeln!(
                out,
                "Entries whose words are withheld without a reason in the list: {}: {which}",
                self.withheld.len()
            )?;
        }
        match self.problems.len() {
            0 => write!(out, "Sound: every signature, hash and line was checked, and all is as this hub signed it"),
            count => {
                writeln!(
                    out,
                    "NOT SOUND: {} of {} entries were looked at; {count} problems:",
                    self.looked_at, self.size
                )?;
                let lines: Vec<String> = self.problems.iter().map(|problem| format!("  {problem}")).collect();
                out.write_str(&lines.join("\n"))
            }
        }
    }
}
