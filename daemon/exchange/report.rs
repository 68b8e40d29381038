//! A plan in words.

use super::fault::RowError;
use super::plan::{Guarded, HeldBack, ImportPlan, Keeps, Settled, Waits};
use super::row::Skip;
use std::collections::BTreeMap;
use std::fmt;

/// Up to this many refused rows are shown row by row; above it, faults are gathered by column.
pub const BY_ROW: usize = 16;
/// How many examples a gathered fault, and how many changes a preview, shows.
const SHOWN: usize = 8;

impl fmt::Display for ImportPlan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open_skips = [
            (Skip::Blank, "blank"),
            (Skip::Guidance, "guidance or example"),
            (Skip::Totals, "lines of sums"),
            (Skip::Filtered, "left out by the filter"),
        ];
        writeln!(out, "{:>7}  rows in the file", self.rows_read)?;
        writeln!(out, "{:>7}  new", self.new.len())?;
        writeln!(out, "{:>7}  changed", self.changed.len())?;
        writeln!(out, "{:>7}  unchanged", self.unchanged.len())?;
        if !self.left_alone.is_empty() {
            writeln!(out, "{:>7}  known already, left as they are", self.left_alone.len())?;
        }
        if !self.kept.is_empty() {
            writeln!(out, "{:>7}  corrected here, and kept so", self.kept.len())?;
        }
        if !self.taken_back.is_empty() {
            writeln!(out, "{:>7}  taken back by this hub before, not added again", self.taken_back.len())?;
        }
        writeln!(out, "{:>7}  refused", self.refused.len())?;
        writeln!(out, "{:>7}  held back for safety", self.held_back.len())?;
        if !self.to_look_at.is_empty() {
            writeln!(out, "{:>7}  to be looked at: their words seem to tell of a person", self.to_look_at.len())?;
        }
        let unsigned = self.protected.iter().filter(|row| !row.level.signed()).count();
        if unsigned > 0 {
            writeln!(out, "{unsigned:>7}  kept by this hub alone, nothing of them signed")?;
        }
        for (reason, words) in open_skips {
            let count = self.skipped.iter().filter(|skipped| skipped.reason == reason).count();
            if count > 0 || reason == Skip::Blank {
                writeln!(out, "{count:>7}  {words}")?;
            }
        }
        self.show_missing(out)?;
        if !self.not_in_file.is_empty() && self.asked.is_empty() && self.ending.is_empty() {
            writeln!(
                out,
                "\n{} of the list's records are not in the file. They stay as they are.",
                self.not_in_file.len()
            )?;
        }
        if !self.rekeyed.is_empty() {
            writeln!(
                out,
                "\n{} of the rows have another reference than before and say the same: known again by name, place and \
                 contact, and not new.",
                self.rekeyed.len()
            )?;
            for row in self.rekeyed.iter().take(SHOWN) {
                writeln!(out, "  line {}, {}: {} → {}", row.line, row.name, brief(&row.before), brief(&row.after))?;
            }
            more(out, self.rekeyed.len())?;
        }
        for note in &self.notes {
            writeln!(out, "\nNote: {note}.")?;
        }
        if self.references_minted_anew {
            writeln!(
                out,
                "\nBefore you go on: none of the references in this file is one that the list knows. If the source gives its \
                 rows new ids in every edition, every group would stand here twice. Leave that column out of the mapping (put \
                 it under ignore), and rows are known again by name and place."
            )?;
        }
        if !self.not_imported.is_empty() {
            writeln!(out, "\nColumns that are not imported: {}.", self.not_imported.join(", "))?;
        }
        self.show_changes(out)?;
        self.show_held_back(out)?;
        self.show_to_look_at(out)?;
        self.show_protected(out)?;
        self.show_refused(out)?;
        self.show_warnings(out)?;
        match &self.held {
            Some(held) => writeln!(out, "\nHeld: {held}. Nothing is done until you have looked and add --even-so."),
            None => Ok(()),
        }
    }
}

impl ImportPlan {
    fn show_missing(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |out: &mut fmt::Formatter<'_>, names: Vec<&String>| {
            for name in names.iter().take(SHOWN) {
                writeln!(out, "  {name}")?;
            }
            more(out, names.len())
        };
        if !self.asked.is_empty() {
            writeln!(
                out,
                "\n{} of the list's groups are missing. They stay until you say what becomes of them:",
                self.asked.len()
            )?;
            names(out, self.asked.iter().map(|asked| &asked.name).collect())?;
        }
        if !self.ending.is_empty() {
            let closes = self.ending.iter().any(|ending| ending.group.is_some());
            let becomes = if closes { "will be said to have closed" } else { "will no longer be stated by this hub" };
            writeln!(out, "\n{} of the list's groups are missing, and {becomes}:", self.ending.len())?;
            names(out, self.ending.iter().map(|ending| &ending.name).collect())?;
        }
        Ok(())
    }

    fn show_changes(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changed.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nChanged:")?;
        for changed in self.changed.iter().take(SHOWN) {
            let edited = if changed.edited { " (corrected here since it was imported)" } else { "" };
            writeln!(out, "  line {}, {}{edited}", changed.line, changed.group.name)?;
            for field in &changed.fields {
                let (before, after) = (brief(&field.before), brief(&field.after));
                writeln!(out, "    {}: {before} → {after}", field.column)?;
            }
        }
        more(out, self.changed.len())
    }

    fn show_held_back(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.held_back.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nHeld back until a person has decided:")?;
        for row in &self.held_back {
            writeln!(out, "  line {}: {}", row.line, row.why())?;
        }
        Ok(())
    }

    fn show_to_look_at(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.to_look_at.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nTo be looked at before they are signed (`mutuald held list` after the import):")?;
        for row in self.to_look_at.iter().take(SHOWN) {
            let found: Vec<String> =
                row.found.iter().map(|found| format!("{} {:?}", found.kind.words(), found.text)).collect();
            let dropped = if row.settled == Some(Settled::Dropped) { " (dropped before, and left out)" } else { "" };
            writeln!(out, "  line {}, {}: {}{dropped}", row.line, row.group.name, found.join(", "))?;
        }
        more(out, self.to_look_at.len())
    }

    fn show_protected(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.protected.is_empty() {
            return Ok(());
        }
        let of = |wanted: fn(&Guarded) -> bool| -> Vec<u32> {
            self.protected.iter().filter(|row| wanted(row)).map(|row| row.line).collect()
        };
        let (all, raised) = (of(|_| true), of(|row| row.keeps == Keeps::Raised));
        writeln!(out, "\nThe place is protected, and kept where nothing signs it: {}.", lines(&all))?;
        if !raised.is_empty() {
            writeln!(
                out,
                "  Public until now, so that what was signed of it is erased everywhere, which cannot be undone: {}. Partner hubs have had \
                 it.",
                lines(&raised)
            )?;
        }
        writeln!(out, "  This file itself holds these places: it is for this hub's own people, and so is --report.")
    }

    fn show_refused(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.refused.is_empty() {
            return Ok(());
        }
        if self.refused.len() <= BY_ROW {
            writeln!(out, "\nRefused:")?;
            for error in self.refused.iter().flat_map(|row| &row.errors) {
                writeln!(out, "  line {}{}: {}. {}", error.cell.line, at(error), error.problem, error.remedy)?;
            }
            return Ok(());
        }
        writeln!(out, "\nRefused, by column:")?;
        let mut gathered: BTreeMap<(usize, &str, &str, &str), Vec<&RowError>> = BTreeMap::new();
        for error in self.refused.iter().flat_map(|row| &row.errors) {
            // Z before AA.
            let key = (error.cell.letter.len(), error.cell.letter.as_str(), error.cell.column.as_str(), error.code);
            gathered.entry(key).or_default().push(error);
        }
        for errors in gathered.values() {
            let Some(first) = errors.first() else { continue };
            let lines: Vec<u32> = errors.iter().map(|error| error.cell.line).collect();
            writeln!(out, "  {}: {}", lines_and_count(&lines), column(first))?;
            if errors.iter().all(|error| error.problem == first.problem) {
                let values = errors.iter().map(|error| error.cell.value.as_str()).filter(|value| !value.is_empty());
                let values: Vec<_> = values.take(SHOWN).map(brief).collect();
                writeln!(
                    out,
                    "    {}{}{}",
                    first.problem,
                    if values.is_empty() { "" } else { ": " },
                    values.join(", ")
                )?;
            } else {
                for error in errors.iter().take(SHOWN) {
                    writeln!(out, "    line {}, {}: {}", error.cell.line, brief(&error.cell.value), error.problem)?;
                }
                more(out, errors.len())?;
            }
            writeln!(out, "    {}", first.remedy)?;
        }
        Ok(())
    }

    fn show_warnings(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warnings = self.new.iter().map(|row| &row.warnings).chain(self.changed.iter().map(|row| &row.warnings));
        let mut gathered: BTreeMap<(usize, &str, &str, &str), Vec<_>> = BTreeMap::new();
        for warning in warnings.flatten() {
            let cell = &warning.cell;
            let key = (cell.letter.len(), cell.letter.as_str(), cell.column.as_str(), warning.code);
            gathered.entry(key).or_default().push(warning);
        }
        if !gathered.is_empty() {
            writeln!(out, "\nTaken over, but worth a look:")?;
        }
        for ((_, letter, column, _), warnings) in gathered {
            let mut lines: Vec<u32> = warnings.iter().map(|warning| warning.cell.line).collect();
            lines.sort_unstable();
            let Some(first) = warnings.first() else { continue };
            let place = if letter.is_empty() { column.to_owned() } else { format!("column {letter} ({column})") };
            writeln!(out, "  {}, {place}: {} → {}", lines_and_count(&lines), brief(&first.cell.value), first.note)?;
        }
        Ok(())
    }
}

impl HeldBack {
    /// Why the row waits, and what to do.
    pub fn why(&self) -> String {
        match self.why {
            Waits::Question => {
                "does anybody come to harm if this place is known? Its words suggest asking. Answer under \"Safety\", \
                                or with --safety LINE=LEVEL (open, approximate, contact-first, unlisted, sealed)"
                    .to_owned()
            }
            Waits::Lowers => {
                format!("its record is {:?}; a spreadsheet does not lower that: mutuald safety lower", self.level)
            }
            Waits::Words => format!(
                "words give the protected place away, in: {}. Change them; where they do not, --words-ok LINE says that you have looked",
                self.fields.join(", ")
            ),
            Waits::Namesake => {
                "this hub keeps a group of that name to itself. If it is the same, give the row its level under \
                                \"Safety\"; if not, --safety LINE=open says so"
                    .to_owned()
            }
        }
    }
}

fn at(error: &RowError) -> String {
    let value = if error.cell.value.is_empty() { String::new() } else { format!(", {}", brief(&error.cell.value)) };
    if error.cell.column.is_empty() { value } else { format!(", {}{value}", column(error)) }
}

fn column(error: &RowError) -> String {
    let cell = &error.cell;
    if cell.letter.is_empty() { cell.column.clone() } else { format!("column {} ({})", cell.letter, cell.column) }
}

fn brief(text: &str) -> String {
    const MOST: usize = 60;
    let line = text.replace('\n', " ");
    match line.char_indices().nth(MOST) {
        _ if line.is_empty() => "(empty)".to_owned(),
        Some((at, _)) => format!("\"{}…\"", &line[..at]),
        None => format!("\"{line}\""),
    }
}

/// "lines 3, 4 and 9", the first few.
fn lines(all: &[u32]) -> String {
    let shown: Vec<_> = all.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = if all.len() > SHOWN { " …" } else { "" };
    format!("{} {}{more}", if all.len() == 1 { "line" } else { "lines" }, shown.join(", "))
}

fn lines_and_count(all: &[u32]) -> String {
    if all.len() <= SHOWN { lines(all) } else { format!("{} rows ({})", all.len(), lines(all)) }
}

fn more(out: &mut fmt::Formatter<'_>, all: usize) -> fmt::Result {
    if all > SHOWN { writeln!(out, "  … and {} more", all - SHOWN) } else { Ok(()) }
}
